// SPDX-License-Identifier: LGPL-2.1 OR MIT
// plot.js: bars; lines of the last minute; lines of the last two minutes, with axes and the values under the pointer
import { draw, make, put, round, short } from './dom.js';
import { KEPT } from './model.js';

const GAP = 4; // seconds without a point break a line
const MARGIN = { top: 10, right: 12, bottom: 22, left: 52 };
const HEIGHT = 180;

// The path of what is known of points; where nothing is, there is no line.
function path(points, x, y) {
  let text = '', before = -Infinity;

  for (const { t, v } of points) {
    if (v === null)
      continue;
    text += `${t - before > GAP ? 'M' : 'L'}${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    before = t;
  }
  return text;
}

// 1, 2 or 5 times a power of ten: two to five steps up to top.
function step(top) {
  const power = 10 ** Math.floor(Math.log10(top / 3));

  return power * [1, 2, 5, 10].find(times => top / (power * times) <= 5.2);
}

export class Bar {
  constructor() {
    this.inner = make('i');
    this.text = make('span');
    this.element = make('div', { class: 'bar' }, make('b', { 'aria-hidden': 'true' }, this.inner), this.text);
  }

  update(share, text, title = '') {
    this.inner.style.width = `${100 * (share ?? 0)}%`;
    this.element.dataset.level = share > 0.9 ? 'high' : share > 0.6 ? 'middle' : 'low';
    put(this.text, text, title);
  }
}

export class Spark {
  constructor() {
    this.line = draw('path', { class: 'line' });
    this.area = draw('path', { class: 'area' });
    this.element = draw('svg', { class: 'spark', viewBox: '0 0 60 20', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      this.area, this.line);
  }

  update(history, now) {
    const points = history.filter(point => point.t >= now - 60 && point.rate !== null);
    const top = Math.max(1, ...points.map(point => point.rate));
    const x = t => 60 - (now - t), y = rate => 19 - 17 * rate / top;
    const d = path(points.map(point => ({ t: point.t, v: point.rate })), x, y);

    this.line.setAttribute('d', d);
    this.area.setAttribute('d', d && !d.includes('M', 1) ? `${d}L60 20L${x(points[0].t)} 20Z` : '');
  }
}

export class Plot {
  constructor(title, unit) {
    this.unit = unit;
    this.series = [];
    this.pointed = null; // seconds ago
    this.svg = draw('svg', { role: 'img', tabindex: '0', height: HEIGHT });
    this.tip = make('div', { class: 'tip', hidden: '' });
    this.element = make('figure', {}, make('figcaption', {}, title), this.svg, this.tip);
    this.title = title;
    this.listen();
  }

  listen() {
    this.svg.addEventListener('pointermove', event => this.point(this.ago(event.offsetX)));
    this.svg.addEventListener('pointerleave', () => this.point(null));
    this.svg.addEventListener('blur', () => this.point(null));
    this.svg.addEventListener('keydown', event => {
      const by = { ArrowLeft: 1, ArrowRight: -1 }[event.key];

      if (by)
        this.point(Math.min(KEPT, Math.max(0, (this.pointed ?? 0) + by)));
    });
  }

  point(ago) {
    this.pointed = ago;
    this.draw();
  }

  get width() {
    return Math.max(200, this.svg.clientWidth);
  }

  ago(x) {
    const inside = this.width - MARGIN.left - MARGIN.right;

    return Math.min(KEPT, Math.max(0, KEPT * (1 - (x - MARGIN.left) / inside)));
  }

  x(t) {
    return MARGIN.left + (this.width - MARGIN.left - MARGIN.right) * (1 - (this.now - t) / KEPT);
  }

  y(value) {
    return HEIGHT - MARGIN.bottom - (HEIGHT - MARGIN.top - MARGIN.bottom) * value / this.top;
  }

  // series: { label, colour, points: [{ t, v }] }; limit: a line that values come close to, shown when they do.
  update(series, now, limit = null) {
    const highest = Math.max(0, ...series.flatMap(one => one.points.map(point => point.v ?? 0)));

    this.series = series;
    this.now = now;
    this.limit = limit !== null && highest > limit / 4 ? limit : null;
    this.top = Math.max(4, this.limit ?? 0, highest) * 1.06;
    this.draw();
  }

  draw() {
    if (!this.series.length || !this.svg.isConnected) {
      this.svg.replaceChildren();
      this.tip.hidden = true;
      return;
    }
    this.svg.replaceChildren(...this.grid(), ...this.lines(), ...this.pointer());
    this.svg.setAttribute('aria-label', `${this.title}, now: ${this.series.map(one => this.valueOf(one, this.now)).join(', ')}`);
  }

  grid() {
    const parts = [], right = this.width - MARGIN.right, by = step(this.top);

    for (let value = 0; value <= this.top; value += by)
      parts.push(draw('path', { class: value ? 'grid' : 'axis', d: `M${MARGIN.left} ${this.y(value)}H${right}` }),
        draw('text', { class: 'tick', x: MARGIN.left - 8, y: this.y(value) + 4, 'text-anchor': 'end' }, round(value)));
    for (let ago = 0; ago <= KEPT; ago += 30)
      parts.push(draw('text', { class: 'tick', x: this.x(this.now - ago), y: HEIGHT - 5, 'text-anchor': ago ? 'middle' : 'end' },
        ago ? `−${ago} s` : 'now'));
    if (this.limit !== null)
      parts.push(draw('path', { class: 'limit', d: `M${MARGIN.left} ${this.y(this.limit)}H${right}` }),
        draw('text', { class: 'tick', x: right - 4, y: this.y(this.limit) + 13, 'text-anchor': 'end' }, 'full'));
    return parts;
  }

  // The first is drawn last: producers are not hidden by who follows them closely.
  lines() {
    return this.series.toReversed().map(one => draw('path', { class: `line colour${one.colour % 8}`,
      d: path(one.points.filter(point => point.t >= this.now - KEPT), t => this.x(t), v => this.y(v)) }));
  }

  // The value nearest to a time.
  at(one, t) {
    return one.points.reduce((best, point) => (point.v !== null && (!best || Math.abs(point.t - t) < Math.abs(best.t - t)) ?
      point : best), null);
  }

  valueOf(one, t) {
    const found = this.at(one, t);

    return `${one.label} ${found && Math.abs(found.t - t) <= GAP ? short(found.v) : '–'}${this.unit}`;
  }

  pointer() {
    this.tip.hidden = this.pointed === null;
    if (this.tip.hidden)
      return [];
    const t = this.now - this.pointed, x = this.x(t);
    const near = this.series.map(one => [one, this.at(one, t)]).filter(([, found]) => found && Math.abs(found.t - t) <= GAP);

    this.tell(t, x);
    return [draw('path', { class: 'pointer', d: `M${x} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }),
      ...near.map(([one, found]) => draw('circle', { class: `dot colour${one.colour % 8}`, r: 3.5, cx: this.x(found.t), cy: this.y(found.v) }))];
  }

  tell(t, x) {
    this.tip.replaceChildren(make('p', {}, `${Math.round(this.now - t)} s ago`), ...this.series.map(one =>
      make('p', {}, make('i', { class: `swatch colour${one.colour % 8}` }), this.valueOf(one, t))));
    this.tip.style.left = x > this.width / 2 ? 'auto' : `${x + 12}px`;
    this.tip.style.right = x > this.width / 2 ? `${this.width - x + 12}px` : 'auto';
  }
}
