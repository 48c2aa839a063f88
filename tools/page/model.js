// SPDX-License-Identifier: LGPL-2.1 OR MIT
// model.js: what surveys, one after the other, say of rings and members: rates, lag, who is new and who has gone
//
// Whatever has 64 bits comes as text and is a BigInt here: a number loses what is beyond 2^53, and differences with it.

export const KEPT = 120; // seconds of history
const MOURNED = 4; // seconds that what has gone stays to be seen

// By how much, in a second; null: not known, or it went backwards, which whoever counts may do.
function rate(now, before, seconds) {
  if (now === undefined || before === undefined || !(seconds > 0))
    return null;
  const grown = BigInt.asIntN(64, BigInt(now) - BigInt(before));

  return grown < 0n ? null : Number(grown) / seconds;
}

function remember(history, point) {
  history.push(point);
  while (history[0].t < point.t - KEPT - 5)
    history.shift();
}

// What is seen again and again under one key.
class Seen {
  constructor() {
    this.history = [];
    this.gone = null; // since when
  }

  rate(from, what) {
    return this.last ? rate(what(this.said), what(this.last), from) : null;
  }

  hear(said) {
    this.last = this.said;
    this.said = said;
    this.gone = null;
  }
}

export class Member extends Seen {
  constructor(colour) {
    super();
    this.colour = colour;
  }

  // All that it has published or consumed. Without the right to look at counters, positions are still told.
  static moved({ counters, role, cursor }) {
    return counters.published ?? counters.consumed ?? (role === 'consumer' ? cursor : undefined);
  }

  get total() {
    const moved = Member.moved(this.said);

    return moved === undefined ? null : BigInt(moved);
  }

  take(said, t, seconds) {
    this.hear(said);
    this.lag = said.lag === null ? null : BigInt(said.lag);
    this.speed = this.rate(seconds, Member.moved);
    remember(this.history, { t, rate: this.speed, lag: this.lag === null ? null : Number(this.lag) });
  }

  // The kernel tells some of them, too.
  counter(label) {
    const value = this.said.counters[label] ?? this.said[label];

    return value === undefined ? null : BigInt(value);
  }
}

export class Ring extends Seen {
  constructor() {
    super();
    this.members = new Map();
    this.colours = 0;
  }

  get name() {
    return this.said.name || `anonymous #${this.said.id}`;
  }

  take(said, t, seconds) {
    this.hear(said);
    this.slots = BigInt(said.slots);
    this.speed = this.rate(seconds, ring => ring.cursor);
    this.sleeps = this.rate(seconds, ring => ring.sleeps);
    this.wakes = this.rate(seconds, ring => ring.wakes);
    this.takeMembers(said.members, t, seconds);
    this.fill = this.fullness();
    remember(this.history, { t, rate: this.speed });
  }

  takeMembers(said, t, seconds) {
    const update = (member, each) => member.take(each, t, seconds);

    merge(this.members, said, each => `${each.index} ${each.incarnation}`, () => new Member(this.colours++), update, t);
  }

  // How much of it the slowest consumer keeps from being written; a cursor is a process's word, and may be anything.
  fullness() {
    const lags = [...this.members.values()].filter(member => !member.gone && member.lag !== null).map(member => member.lag);
    const most = lags.reduce((a, b) => (a > b ? a : b), 0n);

    return lags.length ? Math.min(1, Number(most) / Number(this.slots)) : null;
  }
}

// Brings what is kept in line with what was said: new ones come, missing ones are mourned for a while.
function merge(kept, said, keyOf, construct, update, t) {
  const there = new Set();

  for (const each of said) {
    const key = keyOf(each);

    if (!kept.has(key))
      kept.set(key, construct());
    update(kept.get(key), each);
    there.add(key);
  }
  for (const [key, each] of kept) {
    if (!there.has(key))
      each.gone ??= t;
    if (each.gone && each.gone < t - MOURNED)
      kept.delete(key);
  }
}

export class Model {
  constructor() {
    this.rings = new Map();
    this.at = null;
  }

  take(survey) {
    const at = BigInt(survey.at), t = Number(at) / 1e9;
    const seconds = this.at === null ? NaN : Number(at - this.at) / 1e9;

    if (seconds < 0) // another boot, another clock
      this.rings.clear();
    this.at = at;
    this.now = t;
    merge(this.rings, survey.rings, ring => `${ring.name}#${ring.id}`, () => new Ring(),
      (ring, each) => ring.take(each, t, seconds), t);
  }

  there() {
    return [...this.rings.values()].filter(ring => !ring.gone);
  }
}
