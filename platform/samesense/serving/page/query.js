// The state of the query: its form in the address, and the requests it stands for.

import { getItem, getThumbnail } from './api.js';
import { toDataUri } from './picture.js';

const DEFAULTS = {
  index: '',
  compare: '',
  text: '',
  item: '',
  from: '',
  source: '',
  merge: 'calibrated',
  limit: '24',
  view: 'rows',
  colour: 'domain',
};

const CHOICES = {
  merge: ['calibrated', 'raw', 'rrf'],
  limit: ['12', '24', '48', '96'],
  view: ['rows', 'grid', 'map'],
  colour: ['domain', 'label'],
};

// `domains` is null for all of them; `image` is a data URI and is not in the address.
export function readState(hash, image) {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const state = { ...DEFAULTS, domains: null, image };
  for (const name of Object.keys(DEFAULTS)) {
    const value = params.get(name);
    if (value && (CHOICES[name] ?? [value]).includes(value)) state[name] = value;
  }
  if (params.has('domain')) state.domains = params.getAll('domain').filter(Boolean);
  return state;
}

export function writeHash(state) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (state[name] !== value) params.set(name, state[name]);
  }
  if (state.domains?.length === 0) params.set('domain', '');
  state.domains?.forEach((domain) => params.append('domain', domain));
  return `#${params}`;
}

// The state with everything dropped that the served indexes do not have.
export function fitState(state, indexes) {
  const index = indexes.find(({ name }) => name === state.index) ?? indexes[0];
  const names = index.domains.map(({ name }) => name);
  const domains = state.domains?.filter((name) => names.includes(name)) ?? null;
  const lost = state.domains?.length > 0 && domains.length === 0;
  const others = indexes.map(({ name }) => name).filter((name) => name !== index.name);
  return {
    ...state,
    index: index.name,
    compare: others.includes(state.compare) ? state.compare : '',
    from: state.item && (state.from || index.name),
    source: names.includes(state.source) ? state.source : '',
    domains: lost || domains?.length === names.length ? null : domains,
  };
}

export function hasQuery(state) {
  return Boolean(state.text || state.item || state.image);
}

export function targets(state, index) {
  return index.domains
    .map(({ name }) => name)
    .filter((name) => name !== state.source && (state.domains?.includes(name) ?? true));
}

// An item that the index does not hold is searched for by its picture.
export async function resolveQuery(state, index, signal) {
  const { text, item, image } = state;
  if (!item) return { ...(text && { text }), ...(image && { image }) };
  if (!text && (state.from === index.name || (await holds(index, item, signal)))) return { item };
  const picture = await toDataUri(await getThumbnail(item, state.from, 512, signal));
  return { ...(text && { text }), image: picture };
}

export function searchBody(state, index, query, offset) {
  const names = index.domains.map(({ name }) => name);
  return {
    index: index.name,
    ...(index.model && { model: index.model }),
    query,
    ...(state.domains && { domains: state.domains.filter((name) => names.includes(name)) }),
    ...(names.includes(state.source) && { source_domain: state.source }),
    limit: Number(state.limit),
    offset,
    merge: state.merge,
    group_by_domain: state.view === 'rows',
  };
}

async function holds(index, item, signal) {
  try {
    await getItem(item, index.name, signal);
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}
