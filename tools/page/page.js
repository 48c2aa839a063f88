// SPDX-License-Identifier: LGPL-2.1 OR MIT
// page.js: asks the exporter for a survey every second, and shows it
import { make, put, short } from './dom.js';
import { Model } from './model.js';
import { Rings } from './rings.js';

const EVERY = 1000; // ms
const PATIENCE = 5000;
const MODULE = {
  not_loaded: 'The module is not loaded: rings of /dev/dmp cannot be seen, only those in shared memory.',
  no_right: 'The exporter may not open /dev/dmp: its rings cannot be seen, only those in shared memory.',
  error: 'The exporter cannot ask /dev/dmp for its rings: only those in shared memory can be seen.',
};

const by = id => document.getElementById(id);
const model = new Model();
const rings = new Rings(by('rings'));
let since = null; // when the exporter answered last

function sum(list, what) {
  return list.reduce((total, each) => total + (what(each) ?? 0), 0);
}

function notes(survey) {
  const blind = { no_right: [], no_place: [], error: [] };

  for (const ring of model.there())
    blind[ring.said.missing]?.push(ring.name);
  const some = names => (names.length > 3 ? `${names.length} rings` : names.join(', '));

  return [MODULE[survey.module],
    blind.no_right.length && `Without the right r, counters of members cannot be read: ${some(blind.no_right)}.`,
    blind.error.length && `Counters of members cannot be read: ${some(blind.error)}.`,
    blind.no_place.length && `No place is left for an observer, so counters of members cannot be read: ${some(blind.no_place)}.`,
  ].filter(Boolean);
}

function showNotes(list) {
  const shown = [...by('notes').children].map(item => item.textContent);

  if (shown.join('\n') !== list.join('\n'))
    by('notes').replaceChildren(...list.map(text => make('li', {}, text)));
}

function show(survey) {
  const there = model.there();

  put(by('host'), survey.host);
  document.title = `dmp · ${survey.host}`;
  put(by('total-rings'), String(there.length));
  put(by('total-members'), String(sum(there, ring => ring.said.joined)));
  put(by('total-events'), there.some(ring => ring.speed !== null) || !there.length ? short(sum(there, ring => ring.speed)) : '–');
  showNotes(notes(survey));
  by('empty').hidden = model.rings.size > 0;
  by('rings').hidden = !model.rings.size;
  rings.update(model, by('filter').value.trim());
}

// A screen reader hears it when it changes, so there is no clock in it.
function say(state, text) {
  document.body.dataset.state = state;
  put(by('said'), text);
}

async function ask() {
  const answer = await fetch('survey.json', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });

  if (!answer.ok)
    throw new Error(`it says ${answer.status}`);
  return answer.json();
}

function complain(error) {
  const why = error.message.startsWith('it says') ? ` (${error.message})` : '';
  const when = since ? ` since ${since.toLocaleTimeString('en-GB')}` : '';

  say('lost', `the exporter cannot be reached${when}${why}; trying again`);
}

async function tick() {
  const begun = Date.now();

  try {
    const survey = await ask();

    model.take(survey);
    since = new Date();
    show(survey);
    say('live', 'live');
  } catch (error) {
    complain(error);
    if (!(error instanceof TypeError || error instanceof DOMException)) // not of the network: it should be looked into
      console.error(error);
  }
  setTimeout(tick, Math.max(100, EVERY - (Date.now() - begun)));
}

by('filter').addEventListener('input', () => model.at !== null && rings.update(model, by('filter').value.trim()));
addEventListener('resize', () => model.at !== null && rings.update(model, by('filter').value.trim()));
tick();
