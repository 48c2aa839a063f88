// SPDX-License-Identifier: LGPL-2.1 OR MIT
// dom.js: elements and numbers. Whatever is text becomes a text node: nothing here parses it.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

// Only what has changed is touched: with a thousand rings that is little.
export function put(element, text, title = '') {
  if (element.textContent !== text)
    element.textContent = text;
  if (element.title !== title)
    element.title = title;
}

// A map of elements by key, brought in line with things: made, updated, removed.
export function reconcile(parent, shown, things, construct) {
  for (const [key, thing] of things) {
    if (!shown.has(key)) {
      shown.set(key, construct(thing));
      parent.append(shown.get(key).element);
    }
    shown.get(key).update(thing);
  }
  for (const [key, row] of shown)
    if (!things.has(key)) {
      row.element.remove();
      shown.delete(key);
    }
}

// ---- numbers; null is what is not known ----

const UNITS = ['', ' k', ' M', ' G', ' T', ' P', ' E'];

// Three digits and a unit.
export function short(value) {
  let unit = 0;

  if (value === null || value === undefined)
    return '–';
  value = Number(value);
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = Math.abs(value) >= 100 || (!unit && Number.isInteger(value)) ? 0 : Math.abs(value) >= 10 ? 1 : 2;

  return value.toFixed(digits) + UNITS[unit];
}

// All digits, in groups.
export function exact(value) {
  return value === null || value === undefined ? '–' : value.toLocaleString('en');
}

// As it stands at an axis: 3 M, not 3.00 M.
export function round(value) {
  return short(value).replace(/\.0+(?= |$)|(?<=\.\d)0(?= |$)/, '');
}

export function percent(share) {
  if (share === null)
    return '–';
  return share > 0 && share < 0.01 ? '<1 %' : Math.round(share * 100) + ' %';
}
