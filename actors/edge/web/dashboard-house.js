/** The house on the dashboard: actors, jobs actors, quarantine. What it shows is `GET /api/house`, anew each second. */

import { element } from './dom.js';
import { milliseconds, rate } from './dashboard-charts.js';

const DOES = {
  transcribe: 'transcribes',
  room: 'keeps rooms',
  jobs: 'keeps jobs',
  upload: 'takes uploads',
  analyze: 'analyzes',
};

export function bytes(n) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) [n, i] = [n / 1000, i + 1];
  return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export class HouseTables {
  #body;

  /** @param {(name: string) => HTMLElement} byId */
  constructor(byId) {
    this.#body = { actors: byId('actors'), stores: byId('stores'), quarantine: byId('quarantine') };
    this.boxes = { stores: byId('stores-box'), quarantine: byId('quarantine-box') };
  }

  show(house) {
    fill(this.#body.actors, [
      ...house.brokers.map((one) => line(one.name, 'deals', one.streams, one.rate, null, one.leaving && 'leaving')),
      ...house.edges.map((one) => line(one.name, 'lets people in', one.streams, one.rate, one.lagMs, null)),
      ...house.actors.map(worker),
    ]);
    this.#table('stores', house.jobs.map(store));
    this.#table('quarantine', house.quarantine.map(outcast));
  }

  #table(name, rows) {
    this.boxes[name].hidden = rows.length === 0;
    fill(this.#body[name], rows);
  }
}

function fill(body, rows) {
  body.replaceChildren(...rows.map((cells) => row(cells)));
}

/** Cells are texts, nodes, or numbers, which stand on the right. */
function row(cells) {
  const tr = element('tr');
  for (const cell of cells) {
    const number = typeof cell === 'object' && cell !== null && 'number' in cell;
    const td = element('td', number ? 'num' : undefined);
    td.append(number ? cell.number : (cell ?? ''));
    tr.append(td);
  }
  return tr;
}

function line(name, does, streams, messages, lagMs, state) {
  return [name, does, { number: `${streams ?? 0}` }, { number: rate(messages ?? 0) }, lag(lagMs), state || 'serving'];
}

function worker(one) {
  const streams = one.capacity ? `${one.streams} of ${one.capacity}` : one.streams;
  const state = one.draining ? 'draining' : one.heardMs > 1500 ? element('span', 'bad', `silent for ${milliseconds(one.heardMs)}`) : null;
  return line(one.name, DOES[one.service] ?? one.service, streams, one.rate, one.lagMs, state);
}

const lag = (ms) => ({ number: ms ? milliseconds(ms) : '' });

function store(one) {
  const kept = one.spoolQuota ? `${bytes(one.spoolBytes)} of ${bytes(one.spoolQuota)}` : bytes(one.spoolBytes ?? 0);
  return [
    one.name,
    one.storeError ? element('span', 'bad', one.storeError) : one.store,
    { number: `${one.running} of ${one.concurrency}` },
    { number: `${one.uploads}` },
    { number: kept },
    { number: bytes(one.diskFree ?? 0) },
  ];
}

function outcast(one) {
  return [one.client, one.reason, `${milliseconds(one.agoMs)} ago`];
}
