// Calls to the server, and the key they carry.

const KEY = 'samesense-key';
const maps = new Map();

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

export async function listModels() {
  return (await getJson('v1/models')).data;
}

export async function listIndexes() {
  return (await getJson('v1/indexes')).data;
}

export function getOpenApi() {
  return getJson('openapi.json');
}

export function getItem(id, index, signal) {
  return getJson(`v1/items/${encodeURIComponent(id)}?${new URLSearchParams({ index })}`, signal);
}

export function search(body, signal) {
  return getJson('v1/search', signal, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export function getMap(index) {
  const kept = `${index.name} ${index.fingerprint}`;
  if (!maps.has(kept)) {
    const answer = getJson(`v1/indexes/${encodeURIComponent(index.name)}/map?limit=1500`);
    answer.catch(() => maps.delete(kept));
    maps.set(kept, answer);
  }
  return maps.get(kept);
}

export async function getThumbnail(id, index, side, signal) {
  return (await request(thumbnailUrl(id, index, side), signal)).blob();
}

// An image element cannot send the key: with one, the picture is fetched.
export async function showThumbnail(image, id, index, side, signal) {
  if (!sessionStorage.getItem(KEY)) {
    image.src = thumbnailUrl(id, index, side);
    return;
  }
  try {
    const url = URL.createObjectURL(await getThumbnail(id, index, side, signal));
    image.addEventListener('load', () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  } catch {
    // The alternative text stands in for the picture.
  }
}

function thumbnailUrl(id, index, side) {
  return `v1/items/${encodeURIComponent(id)}/thumbnail?${new URLSearchParams({ index, side })}`;
}

async function getJson(path, signal, options) {
  return (await request(path, signal, options)).json();
}

async function request(path, signal, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set('Authorization', `Bearer ${key}`);
  const response = await fetch(path, { ...options, headers, signal }).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server cannot be reached.', 0);
  });
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response) {
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answered with status ${response.status}.`;
  const wait = response.status === 429 && response.headers.get('Retry-After');
  return new ApiError(wait ? `${message} Try again in ${wait} s.` : message, response.status);
}
