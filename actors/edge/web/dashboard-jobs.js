/**
 * The list of jobs: a page of it, by state and search, kept true by events. An event of a job on the page changes its row; one
 * that changes which jobs belong on the page has the page asked for again, soon and not for each.
 */

import { element, say } from './dom.js';
import { JobRow, named, STATES } from './dashboard-job.js';

const AGAIN_MS = 700;
const TYPING_MS = 250;

export class JobsTable {
  #api;
  #byId;
  #rows = new Map();
  #filter = { state: '', q: '', page: 1 };
  #total = 0;
  #pages = 1;
  #timer;
  #asked = 0;

  /** @param {(name: string) => HTMLElement} byId @param {object} api list, details, transcript, act @param {(error: Error|null) => void} onTrouble */
  constructor(byId, api, onTrouble) {
    this.#api = api;
    this.#byId = byId;
    this.onTrouble = onTrouble;
    this.#controls();
  }

  #controls() {
    const select = this.#byId('state');
    select.append(new Option('All states', ''), ...STATES.map((state) => new Option(named(state), state)));
    select.addEventListener('change', () => this.#narrow({ state: select.value }));
    this.tiles = new Map(STATES.map((state) => [state, this.#tile(state)]));
    const search = this.#byId('q');
    let typing;
    search.addEventListener('input', () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#narrow({ q: search.value.trim() }), TYPING_MS);
    });
    this.#byId('previous').addEventListener('click', () => this.#narrow({ page: this.#filter.page - 1 }));
    this.#byId('next').addEventListener('click', () => this.#narrow({ page: this.#filter.page + 1 }));
  }

  #tile(state) {
    const button = element('button', 'tile');
    const label = element('span');
    const count = element('b', undefined, '0');
    button.type = 'button';
    button.dataset.of = state;
    button.setAttribute('aria-pressed', 'false');
    label.append(element('span', 'dot'), named(state));
    button.append(count, label);
    button.addEventListener('click', () => this.#narrow({ state: this.#filter.state === state ? '' : state }));
    const item = element('li');
    item.append(button);
    this.#byId('tiles').append(item);
    return { button, count };
  }

  #narrow(change) {
    this.#filter = { ...this.#filter, page: 1, ...change };
    this.#byId('state').value = this.#filter.state;
    for (const [state, { button }] of this.tiles) button.setAttribute('aria-pressed', String(state === this.#filter.state));
    this.load();
  }

  /** Ask for the page. Of several answers under way the last asked counts. */
  async load() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const asked = ++this.#asked;
    try {
      const answer = await this.#api.list(this.#filter);
      if (asked !== this.#asked) return;
      this.onTrouble(null);
      this.#show(answer);
    } catch (error) {
      if (asked === this.#asked) this.onTrouble(error);
    }
  }

  #show({ jobs, page, pages, total, counts }) {
    const rows = new Map();
    for (const job of jobs) {
      const row = this.#rows.get(job.jobId) ?? new JobRow(job, this.#api);
      if (!row.job || row.job.version <= job.version) row.show(job);
      rows.set(job.jobId, row);
    }
    this.#rows = rows;
    [this.#total, this.#pages] = [total, Math.max(1, pages)];
    const wanted = [...rows.values()].flatMap((row) => row.nodes);
    const body = this.#byId('jobs');
    if (wanted.length !== body.children.length || wanted.some((node, i) => body.children[i] !== node)) body.replaceChildren(...wanted);
    this.counts(counts);
    this.#frame(page);
  }

  #frame(page) {
    const none = this.#byId('none');
    const { state, q } = this.#filter;
    none.hidden = this.#total > 0;
    say(none, state || q ? 'No job matches. Clear the search or choose another state.' : 'No recordings yet. Send one with: earshot jobs submit talk.mp3');
    say(this.#byId('count'), this.#total === 1 ? '1 job' : `${this.#total.toLocaleString()} jobs`);
    this.#byId('pages').hidden = this.#pages < 2;
    say(this.#byId('page'), `Page ${page} of ${this.#pages}`);
    this.#byId('previous').disabled = page <= 1;
    this.#byId('next').disabled = page >= this.#pages;
  }

  counts(counts) {
    for (const [state, { count }] of this.tiles) say(count, (counts[state] ?? 0).toLocaleString());
  }

  /** A job event. */
  event(type, { job, text }) {
    const row = job && this.#rows.get(job.jobId);
    if (row && type !== 'job.deleted') {
      if (job.version < row.job.version) return;
      const moved = row.job.status !== job.status;
      row.show(job, text);
      if (!moved) return;
    }
    this.#timer ??= setTimeout(() => this.load(), AGAIN_MS);
  }
}
