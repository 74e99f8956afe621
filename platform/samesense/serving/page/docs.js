// The paths of the service and their fields, drawn from its own OpenAPI.

import { getOpenApi } from './api.js';
import { create } from './dom.js';

const paths = document.querySelector('#paths');

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  if (schema.type === 'array') return `list of ${schema.items?.type ? typeOf(schema.items) : 'any'}`;
  return schema.type ?? 'any';
}

// A field, and below it those of a mapping with fields of its own.
function rowsOf(name, schema, required) {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    rowsOf(`${name}.${key}`, value, false));
  const { default: value } = schema;
  const rest = value === undefined || value === null || inner.length ? '' : JSON.stringify(value);
  const said = schema.description ?? '';
  return [[name, typeOf(schema), required ? 'required' : rest, said], ...inner];
}

function fieldsOf({ parameters = [], requestBody }) {
  const asked = parameters.flatMap(({ name, schema, required, description }) =>
    rowsOf(name, { ...schema, description: description ?? schema.description }, required));
  const body = requestBody?.content['application/json'].schema;
  const sent = Object.entries(body?.properties ?? {}).flatMap(([name, schema]) =>
    rowsOf(name, schema, body.required?.includes(name)));
  return [...asked, ...sent];
}

// Names stand between double backticks.
function marked(text) {
  return text.split('``').map((part, n) => (n % 2 ? create('code', { textContent: part }) : part));
}

function tableOf(rows) {
  const line = (tag) => (cells) =>
    create('tr', {}, ...cells.map((cell) => create(tag, {}, ...marked(cell))));
  return create(
    'table',
    {},
    create('thead', {}, line('th')(['field', 'type', 'default', 'meaning'])),
    create('tbody', {}, ...rows.map(line('td'))),
  );
}

function sectionOf(path, method, operation) {
  const rows = fieldsOf(operation);
  return create(
    'section',
    { className: 'path' },
    create('h2', { textContent: `${method.toUpperCase()} ${path}` }),
    create('p', { textContent: operation.description ?? '' }),
    ...(rows.length ? [tableOf(rows)] : []),
  );
}

try {
  const described = await getOpenApi();
  paths.append(...Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => sectionOf(path, method, operation))));
} catch (error) {
  const alert = document.querySelector('#alert');
  const key = error.status === 401 ? ' Give the key on the search page, then come back.' : '';
  alert.textContent = `${error.message}${key}`;
  alert.hidden = false;
}
paths.setAttribute('aria-busy', 'false');
