// The entry: keeps the state, the address, the controls and the results in step.

import * as api from './api.js';
import { fillColumns } from './columns.js';
import { create, describe, fillSelect } from './dom.js';
import { takePictures } from './picture.js';
import * as query from './query.js';

const MERGES = {
  calibrated: 'Scores are made comparable between domains.',
  raw: 'Plain cosine scores: some domains may lie higher than others.',
  rrf: 'Uses the ranks within each domain, not the scores.',
};

const page = Object.fromEntries(
  [...document.querySelectorAll('[id]')].map((element) => [element.id, element]));
const wide = window.matchMedia('(min-width: 60rem)');
let models = [];
let indexes = [];
let state;
let running = new AbortController();

async function start() {
  page.results.ariaBusy = 'true';
  page.workbench.hidden = false;
  clearErrors();
  try {
    [models, indexes] = await Promise.all([api.listModels(), api.listIndexes()]);
    if (!indexes.length) throw new Error('The server has no index yet.');
    restore();
  } catch (error) {
    page.results.ariaBusy = 'false';
    page.workbench.hidden = true;
    report(error);
  }
}

function restore() {
  state = query.readState(location.hash, history.state?.image ?? '');
  const asked = state.index;
  state = query.fitState(state, indexes);
  render();
  if (asked && asked !== state.index) report(new Error(`There is no index named ${asked}.`));
}

function apply(changes) {
  if (!indexes.length) return;
  state = query.fitState({ ...state, ...changes }, indexes);
  const hash = query.writeHash(state);
  if (hash !== location.hash || state.image !== (history.state?.image ?? '')) {
    history.pushState({ image: state.image }, '', hash);
  }
  render();
}

// Options take the typed text along, sent or not.
function choose(changes) {
  apply({ text: page.text.value.trim(), ...changes });
}

function ask(changes) {
  apply({ ...(state?.view === 'map' && { view: 'rows' }), ...changes });
}

function pick(item, from) {
  ask({ item, from, text: '', image: '' });
  window.scrollTo({ top: 0 });
}

function render() {
  running.abort();
  running = new AbortController();
  clearErrors();
  showQuery(running.signal);
  showOptions();
  run(running.signal);
}

// The query

function showQuery(signal) {
  const { item, image, text } = state;
  const modalities = models.find(({ id }) => id === indexOf(state.index).model)?.modalities ?? [];
  page.text.value = text;
  page.text.disabled = !modalities.includes('text') && !text;
  page.file.disabled = !modalities.includes('image');
  page.search.disabled = page.text.disabled;
  page.preview.hidden = !item && !image;
  page['query-note'].textContent = queryNote(modalities);
  document.title = text ? `${text} – Samesense` : 'Samesense';
  page['preview-image'].removeAttribute('src');
  if (image) Object.assign(page['preview-image'], { src: image, alt: 'Your picture' });
  if (item) showItem(signal);
}

function queryNote(modalities) {
  const { item, image, text } = state;
  if ((item || image) && text) return 'Searching by picture and text together.';
  if (item) return 'More like this picture.';
  if (image) return 'Searching by your picture. Add a text to search by both.';
  if (!modalities.length) return 'No model is served for this index: choose one of its pictures.';
  return 'Drop or paste a picture anywhere on this page, choose a file, or type what you look for.';
}

async function showItem(signal) {
  const { item, from } = state;
  api.showThumbnail(page['preview-image'], item, from, 320, signal);
  page['preview-image'].alt = 'Chosen picture';
  try {
    const name = describe(await api.getItem(item, from, signal));
    page['preview-image'].alt = name;
    if (!state.text) page['query-note'].textContent = `More like this picture: ${name}.`;
  } catch (error) {
    report(error);
  }
}

// The options

function showOptions() {
  const index = indexOf(state.index);
  const names = indexes.map(({ name }) => [name, name]);
  fillSelect(page.index, names);
  fillSelect(page.compare, [['', 'nothing'], ...names.filter(([name]) => name !== index.name)]);
  fillSelect(page.source, [['', 'any domain'], ...index.domains.map(({ name }) => [name, name])]);
  page['index-field'].hidden = names.length < 2;
  page['compare-field'].hidden = names.length < 2;
  page['source-note'].hidden = !state.source;
  page['merge-note'].textContent = MERGES[state.merge];
  page.colour.hidden = state.view !== 'map';
  for (const name of ['index', 'compare', 'source', 'merge', 'limit']) page[name].value = state[name];
  for (const name of ['view', 'colour']) {
    page[name].querySelector(`[value="${state[name]}"]`).checked = true;
  }
  showDomains(index);
}

function showDomains(index) {
  if (page.domains.dataset.index !== index.name) {
    page.domains.dataset.index = index.name;
    page.domains.replaceChildren(...index.domains.map(chip));
  }
  for (const box of page.domains.querySelectorAll('input')) {
    box.checked = state.domains?.includes(box.value) ?? true;
    box.disabled = box.value === state.source;
  }
}

function chip({ name, count }) {
  const box = create('input', { type: 'checkbox', value: name });
  const size = create('span', { className: 'count', textContent: count.toLocaleString() });
  return create('label', { className: 'chip' }, box, name, ' ', size);
}

function chosenDomains() {
  return [...page.domains.querySelectorAll('input')]
    .filter(({ checked }) => checked)
    .map(({ value }) => value);
}

// The results

async function run(signal) {
  if (page.columns.contains(document.activeElement)) page['results-title'].focus();
  page.results.ariaBusy = 'true';
  const counts = await fillColumns(page.columns, {
    state,
    models,
    indexes: [state.index, state.compare].filter(Boolean).map(indexOf),
    signal,
    onPick: pick,
    onError: report,
    onCount: announce,
  });
  if (signal.aborted) return;
  page.results.ariaBusy = 'false';
  announce(counts);
}

function announce(text) {
  page.status.textContent = text;
}

function indexOf(name) {
  return indexes.find((index) => index.name === name);
}

// Errors

function report(error, index) {
  if (error.name === 'AbortError') return;
  if (error.status === 401) {
    page['key-form'].hidden = false;
    page.key.focus();
  }
  const message = index ? `${index}: ${error.message}` : error.message;
  const reported = [...page.alert.children].some(({ textContent }) => textContent === message);
  if (!reported) page.alert.append(create('p', { textContent: message }));
}

function clearErrors() {
  page.alert.replaceChildren();
}

// The controls

page.query.addEventListener('submit', (event) => {
  event.preventDefault();
  ask({ text: page.text.value.trim() });
});
page.clear.addEventListener('click', () => {
  choose({ item: '', image: '' });
  page.text.focus();
});
page['key-form'].addEventListener('submit', (event) => {
  event.preventDefault();
  api.setKey(page.key.value);
  page.key.value = '';
  page['key-form'].hidden = true;
  start();
});
page.skip.addEventListener('click', (event) => {
  event.preventDefault();
  page['results-title'].focus();
});
for (const name of ['index', 'compare', 'source', 'merge', 'limit']) {
  page[name].addEventListener('change', () => choose({ [name]: page[name].value }));
}
for (const name of ['view', 'colour']) {
  page[name].addEventListener('change', (event) => choose({ [name]: event.target.value }));
}
page.domains.addEventListener('change', () => choose({ domains: chosenDomains() }));
page['all-domains'].addEventListener('click', () => choose({ domains: null }));
page['no-domains'].addEventListener('click', () => choose({ domains: [] }));
takePictures(page.file, (image) => ask({ image, item: '', text: '' }), (error) => {
  clearErrors();
  report(error);
});
window.addEventListener('popstate', () => indexes.length && restore());
wide.addEventListener('change', () => { page.options.open = wide.matches; });
page.options.open = wide.matches;
start();
