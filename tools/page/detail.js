// SPDX-License-Identifier: LGPL-2.1 OR MIT
// detail.js: the members of one ring: how fast and how far behind in the last two minutes, and all that they count
import { exact, make, put, reconcile, short } from './dom.js';
import { Bar, Plot } from './plot.js';

const COUNTERS = ['sleeps', 'wakes', 'futile', 'empty', 'spins', 'full', 'batches', 'bytes', 'aborted', 'lost', 'lag_max'];
const MISSING = {
  error: 'The exporter could not join this ring: at most positions, sleeps and wakes are known of its members.',
  no_right: 'Without the right r to this ring, only positions, sleeps and wakes are known of its members.',
  no_place: 'This ring has no place left for an observer, so only positions, sleeps and wakes are known of its members.',
};

function stateOf(member) {
  if (member.gone)
    return 'gone';
  return member.said.waiting === 'asleep' ? 'asleep' : member.said.state;
}

class MemberRow {
  constructor() {
    this.swatch = make('i', { class: 'swatch' });
    this.name = make('span');
    this.bar = new Bar();
    this.cells = Object.fromEntries(['role', 'state', 'rate', ...COUNTERS].map(name =>
      [name, make('td', { class: name === 'role' || name === 'state' ? '' : 'number', 'data-is': name })]));
    const { role, state, rate, ...counters } = this.cells;

    this.element = make('tr', {}, make('th', { scope: 'row' }, this.swatch, this.name), role, state, rate,
      make('td', { 'data-is': 'lag' }, this.bar.element), ...Object.values(counters));
  }

  update([member, slots]) {
    this.element.classList.toggle('gone', member.gone !== null);
    this.element.dataset.member = member.said.name;
    this.swatch.className = `swatch colour${member.colour % 8}`;
    put(this.name, member.said.name);
    put(this.cells.role, member.said.role);
    put(this.cells.state, stateOf(member));
    put(this.cells.rate, short(member.speed), `${exact(member.total)} in all`);
    this.bar.element.hidden = member.lag === null;
    this.bar.update(member.lag === null ? 0 : Math.min(1, Number(member.lag) / Number(slots)), short(member.lag), exact(member.lag));
    for (const label of COUNTERS)
      this.count(this.cells[label], member.counter(label));
  }

  count(cell, value) {
    put(cell, short(value), value > 999n ? exact(value) : '');
    cell.classList.toggle('nothing', !value);
  }
}

class OwnRow {
  constructor() {
    this.cells = [make('th', { scope: 'row' }), make('td'), make('td', { class: 'number' })];
    this.element = make('tr', {}, ...this.cells);
  }

  update([member, counter]) {
    put(this.cells[0], counter.label || `#${counter.id}`);
    put(this.cells[1], member.said.name);
    put(this.cells[2], exact(BigInt(counter.value)));
  }
}

function table(caption, heads, numbers) {
  const body = make('tbody');
  const head = heads.map((text, i) => make('th', { scope: 'col', class: numbers.has(i) ? 'number' : '' }, text));

  return { body, element: make('table', {}, make('caption', {}, caption), make('thead', {}, make('tr', {}, ...head)), body) };
}

// What the applications count: everything that is not of the library's own table.
function own(ring) {
  const all = new Map();

  for (const [key, member] of ring.members)
    for (const counter of member.said.own)
      all.set(`${key} ${counter.place}`, [member, counter]);
  return all;
}

export class Detail {
  constructor(columns) {
    this.rates = new Plot('events/s', '/s');
    this.lags = new Plot('lag: events behind the cursor', ' events');
    this.note = make('p', { class: 'note', hidden: '' });
    this.members = table('Members', ['member', 'role', 'state', 'events/s', 'lag', ...COUNTERS.map(label => label.replace('_', ' '))],
      new Set([3, ...COUNTERS.keys()].map((at, i) => (i ? at + 5 : at))));
    this.own = table('Counted by the applications', ['counted by the applications', 'member', 'value'], new Set([2]));
    this.rows = new Map();
    this.ownRows = new Map();
    this.element = make('tr', { class: 'detail' }, make('td', { colspan: columns },
      make('div', { class: 'plots' }, this.rates.element, this.lags.element), this.note,
      make('div', { class: 'scrolls' }, this.members.element), make('div', { class: 'scrolls own' }, this.own.element)));
  }

  update(ring, now) {
    const members = [...ring.members.values()];
    const lines = (of, which) => of.map(member => ({ label: member.said.name, colour: member.colour,
      points: member.history.map(point => ({ t: point.t, v: point[which] })) }));

    this.rates.update(lines(members.filter(member => member.said.role !== 'observer'), 'rate'), now);
    this.lags.update(lines(members.filter(member => member.lag !== null), 'lag'), now, Number(ring.slots));
    reconcile(this.members.body, this.rows, new Map([...ring.members].map(([key, member]) => [key, [member, ring.slots]])),
      () => new MemberRow());
    reconcile(this.own.body, this.ownRows, own(ring), () => new OwnRow());
    this.tell(ring);
  }

  tell(ring) {
    const empty = ring.members.size ? '' : 'Nobody has joined this ring.';

    put(this.note, [MISSING[ring.said.missing] ?? '', empty].join(' ').trim());
    this.note.hidden = !this.note.textContent;
    this.members.element.hidden = !ring.members.size;
    this.own.element.parentElement.hidden = !this.ownRows.size;
  }
}
