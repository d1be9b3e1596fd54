/**
 * jobs.js: recordings in, transcripts out: upload, watch, ask, command.
 *
 *     import { Jobs } from '/web/jobs.js';
 *
 *     const jobs = new Jobs();                                    // { token } where all jobs are to be seen
 *     const { jobId } = await jobs.upload(file, { session: 'desk-1' }, ({ sent, total }) => bar(sent / total));
 *     const stop = jobs.watchJob(jobId, ({ type, job, text }) => show(job.status, job.progress, text));
 *     const { text, segments } = await jobs.transcript(jobId);
 *
 * Watching holds one WebSocket for all that is watched, opened by the first watch, opened again when it breaks, closed after the
 * last one. A listener gets { type, job_id, session_id, status, progress, version, job, text? }: the present state first, then each
 * change once; `type` is job.queued | progress | completed | failed | cancelled | deleted. The last state always comes.
 *
 * Questions are HTTP and reject with an EarshotError: `code` and `message` are the server's, `status` is that of HTTP, 0 where no
 * answer came.
 *
 * Events: `state` as of earshot.js, and `error` (EarshotError) for a watch that was refused.
 */

import { Connection } from './connection.js';
import { EarshotError } from './errors.js';
import { emit, Emitter } from './events.js';

const DEFAULTS = {
  token: '', // who one is; list(), house(), watchAll() and watchHouse() want the operator's, or one that gives the dashboard
  base: '', // http(s)://host:port of another server than the one of this page
  reconnect: true,
  minDelayMs: 250,
  maxDelayMs: 5000,
  pingMs: 15_000,
  silenceMs: 10_000,
  busyMs: 30_000,
};

const SEEN_MAX = 10_000; // jobs of one listener whose late news are known for late
const SENT_AS_IT_IS = /^(audio\/[\w.+-]+|application\/ogg)$/;

export class Jobs extends Emitter {
  #options;
  #connection;
  #greeted = false;
  #watches = new Map(); // what is asked as JSON -> Watch

  /** @param {object} [options] token, base; fetch, XMLHttpRequest, WebSocket: classes to use instead of the platform's */
  constructor(options = {}) {
    super();
    const { fetch, WebSocket, XMLHttpRequest } = globalThis;
    this.#options = { fetch: fetch?.bind(globalThis), WebSocket, XMLHttpRequest, ...DEFAULTS, ...options };
    this.#connection = new Connection(this.#options, {
      onState: (state, more) => emit(this, 'state', { state, ...more }),
      onMessage: (type, payload) => this.#hear(type, payload),
      onLost: () => (this.#greeted = false),
      onMoved: () => {},
      pushedBack: () => false,
    });
  }

  /** connecting | open | waiting | closed, of what is watched. */
  get state() {
    return this.#connection.state;
  }

  get token() {
    return this.#options.token;
  }

  /** Counts for what is asked and watched from now on. */
  set token(token) {
    this.#options.token = token;
  }

  // ---- watching; each returns a function that ends it

  watchJob(jobId, listener) {
    return this.#watch('job', { job_id: jobId }, listener);
  }

  watchSession(sessionId, listener) {
    return this.#watch('job', { session_id: sessionId }, listener);
  }

  watchAll(listener) {
    return this.#watch('job', { all: true }, listener);
  }

  /** house(), each second, without the hour of figures. */
  watchHouse(listener) {
    return this.#watch('house', {}, listener);
  }

  /** End all watches. */
  close() {
    this.#watches.clear();
    this.#connection.close('closed by the page');
  }

  // ---- asking

  /** @param {{state?: string, session?: string, q?: string, page?: number, perPage?: number}} [what] */
  list({ state, session, q, page, perPage } = {}) {
    return this.#json(`/jobs${query({ state, session, q, page, per_page: perPage })}`);
  }

  get(jobId) {
    return this.#json(path(jobId));
  }

  /** The newest job of a session and the list of its jobs. */
  session(sessionId) {
    return this.#json(`/session/${encodeURIComponent(sessionId)}/job-status`);
  }

  /** @returns {Promise<object|string>} an object for json, else the text */
  async transcript(jobId, format = 'json') {
    const answer = await this.#ask('GET', `${path(jobId)}/transcript${query({ format })}`);
    return format === 'json' ? answer.json() : answer.text();
  }

  /** Where the recording can be heard or downloaded. */
  audioUrl(jobId) {
    return `${this.#options.base}${path(jobId)}/audio`;
  }

  /** What the house is made of and does, and an hour of figures. */
  house() {
    return this.#json('/api/house');
  }

  // ---- commanding

  cancel(jobId) {
    return this.#json(`${path(jobId)}/cancel`, 'POST');
  }

  retry(jobId) {
    return this.#json(`${path(jobId)}/retry`, 'POST');
  }

  async remove(jobId) {
    await this.#ask('DELETE', path(jobId));
  }

  /**
   * @param {Blob|File} file
   * @param {object} options session; name, where the file has none; priority, language, deleteAfterAnalysis, webhook, attempts;
   *   key: the same again makes no second job; signal: an AbortSignal
   * @param {(progress: {sent: number, total: number}) => void} [onProgress]
   * @returns {Promise<object>} { jobId, sessionId, status, … } once the recording is safe
   */
  upload(file, options = {}, onProgress = () => {}) {
    const request = new this.#options.XMLHttpRequest();
    request.open('POST', this.#options.base + uploadPath(file, options));
    request.setRequestHeader('Content-Type', SENT_AS_IT_IS.test(file.type) ? file.type : 'application/octet-stream');
    if (options.key) request.setRequestHeader('Idempotency-Key', options.key);
    this.#authorize((name, value) => request.setRequestHeader(name, value));
    request.upload.onprogress = ({ loaded, total }) => onProgress({ sent: loaded, total });
    options.signal?.addEventListener('abort', () => request.abort());
    return new Promise((resolve, reject) => {
      request.onload = () => {
        const body = parse(request.responseText);
        if (request.status >= 200 && request.status < 300) resolve(body);
        else reject(refusal(request.status, body, Number(request.getResponseHeader('Retry-After')) || undefined));
      };
      request.onerror = () => reject(unreachable('The upload broke off: the server cannot be reached.'));
      request.onabort = () => reject(unreachable('The upload was broken off.', 'aborted'));
      request.send(file);
    });
  }

  // ---- inside

  #watch(kind, about, listener) {
    const name = JSON.stringify([kind, about]);
    const watch = this.#watches.get(name) ?? { kind, about, listeners: new Map() };
    const key = Symbol('listener');
    watch.listeners.set(key, { listener, seen: new Map() });
    this.#watches.set(name, watch);
    if (this.#connection.state === 'closed') this.#connection.open(this.#url());
    else if (this.#greeted) this.#say('watch', watch); // again for a second listener: it wants the present state as well
    return () => this.#unwatch(name, watch, key);
  }

  #unwatch(name, watch, key) {
    if (!watch.listeners.delete(key) || watch.listeners.size > 0 || this.#watches.get(name) !== watch) return;
    this.#watches.delete(name);
    if (this.#watches.size === 0) this.#connection.close('nothing is watched');
    else if (this.#greeted) this.#say('unwatch', watch);
  }

  #say(verb, { kind, about }) {
    const token = verb === 'watch' && (kind === 'house' || about.all) ? { token: this.#options.token } : {};
    this.#connection.say(`${kind}.${verb}`, { ...about, ...token });
  }

  #hear(type, payload) {
    if (type === 'welcome') this.#welcome();
    else if (type === 'session.wanted') this.#wanted();
    else if (type === 'house.state') this.#tell('house', () => true, (one) => one.listener(payload));
    else if (type === 'error') emit(this, 'error', new EarshotError(payload.code, payload.message, payload.ref, payload));
    else if (type.startsWith('job.') && payload.version !== undefined) this.#news({ type, ...payload });
  }

  #wanted() {
    if (this.#options.token) return; // it is on its way
    emit(this, 'error', new EarshotError('unauthorized', 'The server asks who you are, and there is no token.'));
    this.#connection.close('no token');
  }

  #welcome() {
    this.#greeted = true;
    this.#connection.opened();
    for (const watch of this.#watches.values()) this.#say('watch', watch);
  }

  #news(event) {
    const concerns = ({ all, job_id, session_id }) => all || job_id === event.job_id || session_id === event.session_id;
    this.#tell('job', concerns, (one) => {
      if (event.version <= (one.seen.get(event.job_id) ?? -1)) return; // late
      remember(one.seen, event);
      one.listener(event);
    });
  }

  #tell(kind, concerns, tell) {
    for (const watch of [...this.#watches.values()])
      if (watch.kind === kind && concerns(watch.about)) for (const one of [...watch.listeners.values()]) tell(one);
  }

  #url() {
    const url = new URL('/ws', this.#options.base || import.meta.url);
    url.protocol = url.protocol.replace('http', 'ws');
    return url.href;
  }

  #authorize(set) {
    if (this.#options.token) set('Authorization', `Bearer ${this.#options.token}`);
  }

  async #json(where, method = 'GET') {
    const answer = await this.#ask(method, where);
    return answer.json();
  }

  async #ask(method, where) {
    const headers = {};
    this.#authorize((name, value) => (headers[name] = value));
    let answer;
    try {
      answer = await this.#options.fetch(this.#options.base + where, { method, headers });
    } catch {
      throw unreachable('The server cannot be reached.');
    }
    if (answer.ok) return answer;
    throw refusal(answer.status, parse(await answer.text()), Number(answer.headers.get('Retry-After')) || undefined);
  }
}

/** The job heard of last stands last; of too many the first is forgotten. */
function remember(seen, { job_id, version }) {
  seen.delete(job_id);
  seen.set(job_id, version);
  if (seen.size > SEEN_MAX) seen.delete(seen.keys().next().value);
}

function path(jobId) {
  return `/jobs/${encodeURIComponent(jobId)}`;
}

function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

function uploadPath(file, { session, name, priority, language, deleteAfterAnalysis, webhook, attempts }) {
  const options = { priority, language, delete_after_analysis: deleteAfterAnalysis, webhook, attempts };
  return `/session/${encodeURIComponent(session)}/upload${query({ file_name: name ?? file.name, ...options })}`;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refusal(status, body, retryAfterS) {
  const error = new EarshotError(body?.error ?? 'refused', body?.message ?? `The server answered ${status}.`);
  return Object.assign(error, { status, retryAfterS });
}

function unreachable(message, code = 'unreachable') {
  return Object.assign(new EarshotError(code, message), { status: 0 });
}
