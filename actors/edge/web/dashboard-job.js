/** One job on the dashboard: its row, and what unfolds below it. Text only ever becomes text. */

import { bytes } from './dashboard-house.js';
import { element, icon, say, timeOfDay } from './dom.js';

export const STATES = ['QUEUED', 'TRANSCRIBING', 'ANALYZING', 'COMPLETED', 'FAILED', 'CANCELLED'];
export const named = (state) => state[0] + state.slice(1).toLowerCase();

/** What may be done with a job in a state: the button's word, the verb, whether it is asked twice. */
const ACTS = {
  QUEUED: [['Cancel', 'cancel'], ['Delete', 'remove', true]],
  TRANSCRIBING: [['Cancel', 'cancel', true]],
  ANALYZING: [['Cancel', 'cancel', true]],
  COMPLETED: [['Delete', 'remove', true]],
  FAILED: [['Retry', 'retry'], ['Delete', 'remove', true]],
  CANCELLED: [['Retry', 'retry'], ['Delete', 'remove', true]],
};
const SURE_MS = 4000;
const CELLS = [undefined, undefined, undefined, 'num', 'num', 'when', undefined]; // their classes
const KINDS = ['text', 'srt', 'vtt', 'json'];

export function length(ms) {
  if (!ms) return '';
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((n, i) => (i ? String(n).padStart(2, '0') : n)).join(':');
}

function when(ms) {
  if (!ms) return '';
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return today ? timeOfDay(date) : `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })}, ${timeOfDay(date)}`;
}

export class JobRow {
  /**
   * @param {object} job as GET /jobs gives it
   * @param {{act(verb: string, job: object): Promise<void>, details(job: object): Promise<object>, transcript(job: object): Promise<string>}} desk
   */
  constructor(job, desk) {
    this.desk = desk;
    this.row = element('tr');
    this.row.dataset.job = job.jobId;
    this.more = element('tr', 'details');
    this.more.hidden = true;
    this.heard = element('span', 'fine heard');
    this.#build();
    this.show(job);
  }

  get nodes() {
    return [this.row, this.more];
  }

  get open() {
    return !this.more.hidden;
  }

  #build() {
    this.name = element('button', 'name');
    this.name.type = 'button';
    this.name.setAttribute('aria-expanded', 'false');
    this.title = element('b');
    this.sub = element('span', 'fine');
    const words = element('span');
    words.append(this.title, this.sub);
    this.name.append(icon('more'), words);
    this.name.addEventListener('click', () => this.#toggle());
    this.state = element('span', 'mark');
    this.stateText = element('span');
    this.state.append(element('span', 'dot'), this.stateText);
    this.why = element('span', 'fine heard');
    this.bar = element('progress');
    this.bar.max = 100;
    this.percent = element('span');
    this.gauge = element('div', 'gauge');
    this.gauge.append(this.bar, this.percent);
    this.acts = element('div', 'acts');
    [this.long, this.attempt, this.changed] = [document.createTextNode(''), document.createTextNode(''), document.createTextNode('')];
    const cells = [[this.name], [this.state, this.why], [this.gauge, this.heard], [this.long], [this.attempt], [this.changed], [this.acts]];
    cells.forEach((nodes, i) => {
      const td = element('td', CELLS[i]);
      td.append(...nodes);
      this.row.append(td);
    });
    const cell = element('td');
    cell.colSpan = cells.length;
    this.box = element('div');
    cell.append(this.box);
    this.more.append(cell);
  }

  /** A newer state of the job; `text` is what was just transcribed. */
  show(job, text) {
    const before = this.job;
    this.job = job;
    this.row.dataset.of = job.status;
    say(this.title, job.fileName || job.jobId);
    this.title.title = job.fileName || '';
    say(this.sub, `${job.sessionId} · ${bytes(job.bytes ?? 0)}${job.priority ? ` · priority ${job.priority}` : ''}${job.principal ? ` · ${job.principal}` : ''}`);
    say(this.stateText, named(job.status));
    say(this.why, job.error || job.note || '');
    this.why.classList.toggle('bad', Boolean(job.error));
    this.why.title = job.error || job.note || '';
    this.bar.value = job.progress;
    this.bar.setAttribute('aria-label', `Progress of ${job.fileName || job.jobId}`);
    say(this.percent, `${Math.floor(job.progress)} %`);
    if (text) say(this.heard, text);
    if (job.status === 'COMPLETED') say(this.heard, '');
    this.long.data = length(job.durationMs);
    this.attempt.data = `${job.attempt} of ${job.attempts}`;
    this.changed.data = when(job.updatedAt);
    if (before?.status !== job.status) this.#offer();
    if (this.open && before && (before.status !== job.status || text)) this.#unfold();
  }

  #offer() {
    const buttons = ACTS[this.job.status].map(([word, verb, twice]) => {
      const button = element('button', 'tool', word);
      button.type = 'button';
      button.addEventListener('click', () => (twice ? this.#sure(button, word, verb) : this.#act(verb)));
      return button;
    });
    this.acts.replaceChildren(...buttons);
  }

  #sure(button, word, verb) {
    if (button.classList.contains('sure')) {
      this.#act(verb);
      return;
    }
    button.classList.add('sure');
    button.textContent = `${word}: sure?`;
    setTimeout(() => {
      button.classList.remove('sure');
      button.textContent = word;
    }, SURE_MS);
  }

  async #act(verb) {
    for (const button of this.acts.children) button.disabled = true;
    await this.desk.act(verb, this.job);
    for (const button of this.acts.children) button.disabled = false;
  }

  #toggle() {
    this.more.hidden = !this.more.hidden;
    this.name.setAttribute('aria-expanded', String(this.open));
    if (this.open) this.#unfold();
  }

  async #unfold() {
    const asked = this.job.version;
    try {
      const [job, text] = await Promise.all([this.desk.details(this.job), this.desk.transcript(this.job)]);
      if (asked === this.job.version || !this.box.firstChild) this.box.replaceChildren(...details(job, text));
    } catch (error) {
      this.box.replaceChildren(element('p', 'bad', error.message));
    }
  }
}

function details(job, text) {
  const facts = [
    ['Job', job.jobId],
    ['Format', job.format],
    ['Uploaded', when(job.createdAt)],
    ['Begun', when(job.startedAt)],
    ['Ended', when(job.finishedAt)],
    ['Next attempt', when(job.nextAttemptAt)],
    ['Worker', job.worker],
    ['Language', job.language],
    ['Without words', job.warnings ? `${job.warnings} pieces that no decoder could make words of` : ''],
    ['Webhook', job.webhook],
    ['Note', job.note],
    ['Error', job.error],
  ];
  const list = element('dl');
  for (const [name, value] of facts) if (value) list.append(element('dt', undefined, name), element('dd', undefined, String(value)));
  return [list, ...attempts(job), ...analysis(job), ...transcript(job, text)];
}

function attempts(job) {
  if (!job.history?.length) return [];
  const list = element('ol');
  for (const one of job.history) {
    const outcome = one.outcome ?? 'under way';
    const until = one.endedAt ? ` to ${when(one.endedAt)}` : '';
    list.append(element('li', undefined, `${outcome} · ${one.worker ?? ''} · ${when(one.startedAt)}${until}${one.error ? ` · ${one.error}` : ''}`));
  }
  return [element('h3', undefined, 'Attempts'), list];
}

function analysis(job) {
  const found = job.analysis;
  if (!found) return [];
  const list = element('dl');
  const add = (name, value) => value && list.append(element('dt', undefined, name), element('dd', undefined, value));
  if (found.error) add('Analysis', found.error);
  if (found.words !== undefined) add('Words', `${found.words}, ${Math.round(found.wordsPerMinute ?? 0)} a minute`);
  if (found.speechMs !== undefined) add('Speech', `${length(found.speechMs)} of ${length(found.durationMs)}`);
  add('Terms', (found.terms ?? []).slice(0, 12).map((one) => one.text).join(', '));
  add('Summary', found.summary?.state === 'ok' ? found.summary.text : found.summary?.reason);
  return list.children.length ? [element('h3', undefined, 'Analysis'), list] : [];
}

function transcript(job, text) {
  const nodes = [element('h3', undefined, job.status === 'COMPLETED' ? 'Transcript' : 'Transcript so far')];
  nodes.push(text.trim() ? element('blockquote', undefined, text) : element('p', 'fine', 'No words yet.'));
  const links = element('p', 'fine');
  const base = `jobs/${encodeURIComponent(job.jobId)}`;
  const targets = KINDS.map((kind) => [kind, `${base}/transcript?format=${kind}`]);
  if (job.audio) targets.push(['recording', `${base}/audio`]);
  for (const [name, href] of targets) {
    const link = element('a', undefined, name);
    link.href = href;
    links.append(link, ' ');
  }
  return [...nodes, links];
}
