// The columns of results, one for each index that is shown.

import * as api from './api.js';
import { create } from './dom.js';
import { scatter } from './map.js';
import { hasQuery, resolveQuery, searchBody, targets } from './query.js';
import { chooseExamples, grid, rows, skeleton, tiles, timingsText } from './results.js';

const INTRO = 'Search by a picture or a text to find the same thing in every domain. '
  + 'Or start with one of these pictures.';

const columns = [];

// `context` holds the state, the models, the indexes to show, the signal that ends this run,
// and what to do on events.
export async function fillColumns(container, context) {
  const { indexes } = context;
  while (columns.length > indexes.length) columns.pop().section.remove();
  while (columns.length < indexes.length) columns.push(addColumn(container));
  container.classList.toggle('compared', indexes.length > 1);
  const counts = await Promise.all(indexes.map((index, i) => fill(columns[i], index, context)));
  return counts.filter(Boolean).join('; ');
}

async function fill(column, index, context) {
  const { state, signal } = context;
  const kind = state.view !== 'map' && !hasQuery(state) ? 'examples' : state.view;
  const fillKind = { map: fillMap, examples: fillExamples, rows: fillRows, grid: fillGrid }[kind];
  showHead(column, index, context.models);
  if (column.section.dataset.kind !== kind) show(column, kind, ...skeleton(kind));
  try {
    return await fillKind(column, index, context);
  } catch (error) {
    if (signal.aborted) return '';
    show(column, 'error', create('p', { className: 'note', textContent: 'Nothing to show.' }));
    context.onError(error, state.compare && index.name);
    return '';
  }
}

async function fillMap(column, index, context) {
  const { state, signal } = context;
  const { points } = await api.getMap(index);
  const groups = await mapGroups(context);
  signal.throwIfAborted();
  const shown = points.filter(({ domain }) => state.domains?.includes(domain) ?? true);
  show(column, 'map', ...scatter(shown, {
    index: index.name,
    colourBy: state.colour,
    groups,
    marked: state.item,
    onPick: picker(index, context),
    signal,
  }));
  return countText(shown.length, 'point', index, state);
}

// The groups of all the maps shown, so that each has the same colour in every map.
async function mapGroups({ state, indexes }) {
  const maps = await Promise.allSettled(indexes.map(api.getMap));
  const points = maps.flatMap(({ value }) => value?.points ?? []);
  return [...new Set(points.map((point) => point[state.colour] ?? ''))].sort();
}

async function fillExamples(column, index, context) {
  const { points } = await api.getMap(index);
  context.signal.throwIfAborted();
  show(column, 'examples',
    create('p', { className: 'intro', textContent: INTRO }),
    grid(chooseExamples(points), index.name, picker(index, context)));
  return '';
}

async function fillRows(column, index, context) {
  const { groups, timings_ms: timings } = await (await searcher(index, context))(0);
  show(column, 'rows', ...rows(groups, index.name, picker(index, context)));
  column.timings.textContent = timingsText(timings);
  const count = groups.reduce((sum, { hits }) => sum + hits.length, 0);
  return countText(count, 'hit', index, context.state);
}

async function fillGrid(column, index, context) {
  const limit = Number(context.state.limit);
  const search = await searcher(index, context);
  const { hits, timings_ms: timings } = await search(0);
  const list = grid(hits, index.name, picker(index, context));
  const more = create('button', { className: 'more', type: 'button', textContent: 'More' });
  more.hidden = hits.length < limit;
  more.addEventListener('click', async () => {
    more.disabled = true;
    try {
      const offset = list.children.length;
      const next = await search(offset);
      list.append(...tiles(next.hits, index.name, picker(index, context)));
      (list.children[offset] ?? list.lastElementChild).firstChild.focus({ preventScroll: true });
      column.timings.textContent = timingsText(next.timings_ms);
      context.onCount(countText(list.children.length, 'hit', index, context.state));
      more.hidden = next.hits.length < limit;
    } catch (error) {
      context.onError(error, context.state.compare && index.name);
    }
    more.disabled = false;
  });
  show(column, 'grid', list, more);
  column.timings.textContent = timingsText(timings);
  return countText(hits.length, 'hit', index, context.state);
}

async function searcher(index, { state, signal }) {
  if (!targets(state, index).length) throw new Error('Choose at least one target domain.');
  const query = await resolveQuery(state, index, signal);
  return (offset) => api.search(searchBody(state, index, query, offset), signal);
}

function picker(index, { onPick }) {
  return (id) => onPick(id, index.name);
}

function addColumn(container) {
  const title = create('h3');
  const facts = create('p', { className: 'note' });
  const timings = create('p', { className: 'note timings' });
  const body = create('div', { className: 'column-body' });
  const head = create('header', { className: 'column-head' }, title, facts, timings);
  const section = create('section', { className: 'column' }, head, body);
  container.append(section);
  return { section, title, facts, timings, body };
}

function showHead(column, index, models) {
  const model = models.find(({ id }) => id === index.model);
  column.section.dataset.index = index.name;
  column.title.textContent = index.name;
  column.facts.textContent = model ? `model ${model.id}, ${model.dimension} dimensions` : 'no model served';
}

function show(column, kind, ...content) {
  column.section.dataset.kind = kind;
  column.timings.textContent = '';
  column.body.replaceChildren(...content);
}

function countText(count, noun, index, { compare }) {
  const text = `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`;
  return compare ? `${index.name}: ${text}` : text;
}
