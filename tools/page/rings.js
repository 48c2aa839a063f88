// SPDX-License-Identifier: LGPL-2.1 OR MIT
// rings.js: the table of rings, and under one of them, if it is open, its members
import { exact, make, percent, put, reconcile, short } from './dom.js';
import { Detail } from './detail.js';
import { Bar, Spark } from './plot.js';

const STREAMS = { none: 'no producer', open: 'open', finished: 'finished', crashed: 'crashed' };

function kind(said) {
  const flags = said.flags.filter(flag => flag !== 'persistent' && flag !== 'multi' && flag !== 'stamped');

  return [said.flags.includes('stamped') ? 'stamped' : 'packed', said.flags.includes('multi') ? 'several producers' : 'one producer',
    ...flags].join(', ');
}

class Row {
  constructor(table) {
    this.table = table;
    this.button = make('button', { type: 'button', 'aria-expanded': 'false' });
    this.under = make('small');
    this.spark = new Spark();
    this.bar = new Bar();
    this.stream = make('span', { class: 'pill' });
    this.cells = {};
    this.row = make('tr', { class: 'ring' }, ...this.columns());
    this.element = make('tbody', { class: 'new' }, this.row);
    this.row.addEventListener('click', () => table.toggle(this));
  }

  cell(name, classes, ...children) {
    return this.cells[name] = make('td', { class: classes, 'data-is': name }, ...children);
  }

  columns() {
    return [make('th', { scope: 'row' }, this.button, this.under),
      this.cell('kind', 'wide'), this.cell('slots', 'number wide'), this.cell('members', 'number medium'),
      this.cell('rate', 'number strong'), this.cell('spark', 'medium', this.spark.element), this.cell('fill', '', this.bar.element),
      this.cell('sleeps', 'number wide'), this.cell('wakes', 'number wide'), this.cell('stream', '', this.stream)];
  }

  update(ring) {
    const said = ring.said;

    this.ring = ring;
    this.row.dataset.ring = ring.name;
    this.element.classList.toggle('gone', ring.gone !== null);
    put(this.button, ring.name, `id ${said.id}, ${said.event_size} bytes per event`);
    put(this.under, `${kind(said)} · ${exact(ring.slots)} slots`);
    put(this.cells.kind, kind(said));
    put(this.cells.slots, exact(ring.slots));
    put(this.cells.members, said.held ? `${said.joined} + ${said.held} held` : String(said.joined));
    this.updateRates(ring);
    this.updateStream(ring);
    this.detail?.update(ring, this.table.now);
  }

  updateRates(ring) {
    const still = ring.gone !== null;

    put(this.cells.rate, still ? '–' : short(ring.speed), `cursor ${exact(BigInt(ring.said.cursor))}`);
    put(this.cells.sleeps, still ? '–' : short(ring.sleeps), `${exact(BigInt(ring.said.sleeps))} in all`);
    put(this.cells.wakes, still ? '–' : short(ring.wakes), `${exact(BigInt(ring.said.wakes))} in all`);
    this.bar.update(still ? null : ring.fill, still ? '–' : percent(ring.fill));
    this.spark.update(ring.history, this.table.now);
  }

  updateStream(ring) {
    const stream = ring.gone ? 'gone' : ring.said.stream;

    this.stream.dataset.stream = stream;
    put(this.stream, STREAMS[stream] ?? stream);
  }

  open() {
    this.detail = new Detail(this.row.cells.length);
    this.element.append(this.detail.element);
    this.button.setAttribute('aria-expanded', 'true');
    this.element.classList.add('open');
    this.detail.update(this.ring, this.table.now);
  }

  close() {
    this.detail?.element.remove();
    this.detail = null;
    this.button.setAttribute('aria-expanded', 'false');
    this.element.classList.remove('open');
  }
}

// Each ring is a tbody of its own: its row, and under it what is open.
export class Rings {
  constructor(table) {
    this.table = table;
    this.rows = new Map();
    this.now = 0;
    this.wanted = new URLSearchParams(location.hash.slice(1)).get('ring'); // to be opened when it appears; null: the first
    table.addEventListener('keydown', event => this.key(event));
  }

  update(model, filter) {
    const wanted = [...model.rings].filter(([, ring]) => ring.name.includes(filter));

    this.now = model.now;
    reconcile(this.table, this.rows, new Map(wanted), () => new Row(this));
    for (const row of this.rows.values()) {
      this.wanted ??= row.ring.name;
      if (!row.detail && !row.ring.gone && row.ring.name === this.wanted)
        row.open();
    }
  }

  // One is open at most: the address of the page says which, so that it can be kept and handed on.
  toggle(row) {
    const open = !row.detail;

    for (const each of this.rows.values())
      each.close();
    this.wanted = open ? row.ring.name : '';
    history.replaceState(null, '', open ? `#${new URLSearchParams({ ring: this.wanted })}` : location.pathname);
    if (open)
      row.open();
  }

  key(event) {
    const rows = [...this.rows.values()], at = rows.findIndex(row => row.button === document.activeElement);
    const next = rows[at + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
    const open = rows.find(row => row.detail);

    if (at >= 0 && next) {
      next.button.focus();
      event.preventDefault();
    } else if (event.key === 'Escape' && open) {
      this.toggle(open);
      open.button.focus();
    }
  }
}
