// Tiles of items: rows by domain, one merged grid, examples, and their placeholders.

import { showThumbnail } from './api.js';
import { create, describe } from './dom.js';

const SIDE = window.devicePixelRatio > 1 ? 320 : 160;
const EXAMPLES = 8;

export function rows(groups, index, onPick) {
  return groups.map(({ domain, hits }) => create('section', { className: 'row' },
    create('h4', { textContent: domain }),
    hits.length
      ? create('ul', { className: 'tiles' }, ...tiles(hits, index, onPick))
      : create('p', { className: 'note', textContent: 'No hits.' })));
}

export function grid(items, index, onPick) {
  return create('ul', { className: 'tiles wrapped' }, ...tiles(items, index, onPick));
}

export function tiles(items, index, onPick) {
  return items.map((item) => create('li', {}, tile(item, index, onPick)));
}

export function skeleton(kind) {
  if (kind === 'map') return [create('div', { className: 'map-field skeleton' })];
  const blanks = (count) => Array.from({ length: count }, () =>
    create('li', {}, create('div', { className: 'tile skeleton' })));
  if (kind !== 'rows') {
    return [create('ul', { className: 'tiles wrapped', ariaHidden: 'true' }, ...blanks(24))];
  }
  return [1, 2, 3].map(() => create('section', { className: 'row', ariaHidden: 'true' },
    create('h4', { textContent: '\u00a0' }),
    create('ul', { className: 'tiles' }, ...blanks(12))));
}

// Takes the domains in turn, and labels not shown yet where there are any.
export function chooseExamples(points) {
  const byDomain = [...Map.groupBy(points, ({ domain }) => domain).values()];
  const labels = new Set();
  const chosen = [];
  while (chosen.length < Math.min(EXAMPLES, points.length)) {
    const rest = byDomain[chosen.length % byDomain.length].filter((point) => !chosen.includes(point));
    const next = rest.find(({ label }) => !labels.has(label)) ?? rest[0];
    if (!next) break;
    labels.add(next.label);
    chosen.push(next);
  }
  return chosen;
}

export function timingsText(timings) {
  return Object.entries(timings)
    .filter(([, time]) => time > 0)
    .map(([step, time]) => `${step}\u00a0${time < 10 ? Number(time.toFixed(1)) : Math.round(time)}\u00a0ms`)
    .join(' · ');
}

function tile(item, index, onPick) {
  const image = create('img', {
    alt: describe(item),
    width: 160,
    height: 160,
    loading: 'lazy',
    decoding: 'async',
    draggable: false,
  });
  showThumbnail(image, item.id, index, SIDE);
  const caption = create('span', { className: 'caption' },
    create('span', { className: 'label', textContent: item.label ?? '', ariaHidden: 'true' }),
    create('span', { className: 'domain', textContent: item.domain, ariaHidden: 'true' }));
  const button = create('button', { className: 'tile', type: 'button', title: tooltip(item) }, image, caption);
  button.dataset.id = item.id;
  if (item.score !== undefined) {
    caption.append(create('span', { className: 'score', textContent: item.score.toFixed(2) }));
  }
  button.addEventListener('click', () => onPick(item.id));
  return button;
}

function tooltip({ score, calibrated_score: calibrated, uri }) {
  if (score === undefined) return 'More like this';
  return [
    `Score ${score.toFixed(2)}`,
    Number.isFinite(calibrated) && `Calibrated score ${calibrated.toFixed(2)}`,
    uri,
  ].filter(Boolean).join('\n');
}
