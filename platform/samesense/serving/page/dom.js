// Helpers for making elements.

export function create(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function fillSelect(select, choices) {
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
}

export function describe({ label, domain }) {
  return [label, domain].filter(Boolean).join(', ');
}
