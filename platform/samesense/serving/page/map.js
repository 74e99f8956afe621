// A scatter of the embedding space on a canvas, for pointer and keyboard.

import { showThumbnail } from './api.js';
import { create, describe } from './dom.js';

const COLOURS = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442'];
const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross'];
const RADIUS = 4;
const REACH = 14;
const MARGIN = 16;
const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function scatter(points, { index, colourBy, groups, marked, onPick, signal }) {
  const canvas = create('canvas', { className: 'map-canvas', tabIndex: 0, role: 'application' });
  canvas.ariaLabel = `Map of ${index}, ${points.length} points. Arrow keys move, Enter searches.`;
  const card = create('div', { className: 'map-card', hidden: true, ariaHidden: 'true' });
  const spoken = create('p', { className: 'visually-hidden map-point', ariaLive: 'polite' });
  const field = create('div', { className: 'map-field' }, canvas, card);
  const groupOf = points.map((point) => groups.indexOf(point[colourBy] ?? ''));
  let places = [];
  let active = -1;

  const draw = () => {
    const context = prepare(canvas);
    places = points.map((point) => place(point, canvas));
    places.forEach((at, i) => drawMarker(context, at, groupOf[i], RADIUS));
    points.forEach((point, i) => {
      if (point.id === marked) drawRing(context, places[i], RADIUS + 5);
    });
    if (active >= 0) {
      drawMarker(context, places[active], groupOf[active], RADIUS + 3);
      drawRing(context, places[active], RADIUS + 5);
    }
  };

  const activate = (i) => {
    if (i === active) return;
    active = i;
    card.hidden = i < 0;
    canvas.classList.toggle('pointed', i >= 0);
    draw();
    if (i >= 0) showCard(card, points[i], places[i], canvas, index);
  };

  const move = (i) => {
    if (i < 0) return;
    activate(i);
    spoken.textContent = `${describe(points[i])}. Point ${i + 1} of ${points.length}.`;
  };

  const listen = (target, type, listener) => target.addEventListener(type, listener, { signal });
  listen(canvas, 'pointermove', ({ offsetX, offsetY, pointerType }) => {
    if (pointerType !== 'touch') activate(nearest(places, [offsetX, offsetY], REACH));
  });
  listen(canvas, 'pointerleave', ({ pointerType }) => {
    if (pointerType !== 'touch') activate(-1);
  });
  listen(canvas, 'click', ({ offsetX, offsetY, pointerType }) => {
    const i = nearest(places, [offsetX, offsetY], REACH);
    // The first touch shows the card as hovering does, the second one searches.
    if (i < 0 || (pointerType === 'touch' && i !== active)) activate(i);
    else onPick(points[i].id);
  });
  listen(canvas, 'focus', () => {
    if (active >= 0 || !canvas.matches(':focus-visible')) return;
    const query = points.findIndex(({ id }) => id === marked);
    move(query >= 0 ? query : nearest(places, [canvas.clientWidth / 2, canvas.clientHeight / 2], Infinity));
  });
  listen(canvas, 'blur', () => activate(-1));
  listen(canvas, 'keydown', (event) => {
    if (event.key in DIRECTIONS) {
      event.preventDefault();
      move(active < 0 ? nearest(places, [0, 0], Infinity) : nextPoint(places, active, DIRECTIONS[event.key]));
    } else if (event.key === 'Enter' && active >= 0) {
      onPick(points[active].id);
    }
  });
  listen(window.matchMedia('(prefers-color-scheme: dark)'), 'change', draw);
  const observer = new ResizeObserver(draw);
  observer.observe(canvas);
  signal.addEventListener('abort', () => observer.disconnect());
  return [field, legend(groups, colourBy), spoken];
}

function place({ x, y }, { clientWidth, clientHeight }) {
  return [
    MARGIN + x * (clientWidth - 2 * MARGIN),
    MARGIN + y * (clientHeight - 2 * MARGIN),
  ];
}

function nearest(places, [x, y], reach) {
  let best = -1;
  let least = reach;
  places.forEach((at, i) => {
    const distance = Math.hypot(at[0] - x, at[1] - y);
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

// The nearest point within 45 degrees of the direction, or none.
function nextPoint(places, from, [dx, dy]) {
  let best = -1;
  let least = Infinity;
  places.forEach(([x, y], i) => {
    const along = (x - places[from][0]) * dx + (y - places[from][1]) * dy;
    const across = Math.abs((x - places[from][0]) * dy + (y - places[from][1]) * dx);
    const distance = Math.hypot(along, across);
    if (along > 0 && across <= along && distance < least) [best, least] = [i, distance];
  });
  return best;
}

function prepare(canvas) {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  context.strokeStyle = style.color;
  context.lineWidth = 2;
  return context;
}

function drawMarker(context, [x, y], group, radius) {
  context.save();
  context.translate(x, y);
  context.fillStyle = COLOURS[group % COLOURS.length];
  context.lineWidth = 0.75;
  context.fill(outline(SHAPES[group % SHAPES.length], radius));
  context.stroke(outline(SHAPES[group % SHAPES.length], radius));
  context.restore();
}

function drawRing(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

function outline(shape, radius) {
  const path = new Path2D();
  if (shape === 'circle') path.arc(0, 0, radius, 0, 2 * Math.PI);
  else corners(shape, radius).forEach(([x, y]) => path.lineTo(x, y));
  path.closePath();
  return path;
}

function corners(shape, radius) {
  const s = radius * 0.9;
  const l = radius * 1.3;
  const t = radius * 0.45;
  return {
    square: [[-s, -s], [s, -s], [s, s], [-s, s]],
    triangle: [[0, -l], [l, s], [-l, s]],
    diamond: [[0, -l], [l, 0], [0, l], [-l, 0]],
    cross: [[-t, -l], [t, -l], [t, -t], [l, -t], [l, t], [t, t],
      [t, l], [-t, l], [-t, t], [-l, t], [-l, -t], [-t, -t]],
  }[shape];
}

function showCard(card, point, [x, y], canvas, index) {
  const image = create('img', { alt: '', width: 128, height: 128 });
  showThumbnail(image, point.id, index, 160);
  card.replaceChildren(image, create('span', { textContent: describe(point) }));
  const left = x + REACH + card.offsetWidth > canvas.clientWidth ? x - REACH - card.offsetWidth : x + REACH;
  const top = Math.min(Math.max(0, y - card.offsetHeight / 2), canvas.clientHeight - card.offsetHeight);
  card.style.left = `${Math.max(0, left)}px`;
  card.style.top = `${Math.max(0, top)}px`;
}

function legend(groups, colourBy) {
  const list = create('ul', { className: 'legend', ariaLabel: `Colours by ${colourBy}` });
  list.append(...groups.map((name, i) => create('li', {}, swatch(i), name || `no ${colourBy}`)));
  return list;
}

function swatch(group) {
  const canvas = create('canvas', { width: 32, height: 32, className: 'swatch', ariaHidden: 'true' });
  const context = canvas.getContext('2d');
  context.scale(2, 2);
  drawMarker(context, [8, 8], group, 5);
  return canvas;
}
