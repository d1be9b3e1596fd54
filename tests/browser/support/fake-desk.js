/** What stands behind the dashboard, in the test's hand: jobs over HTTP, their events and the house on the WebSocket. */

const STATES = ['QUEUED', 'TRANSCRIBING', 'ANALYZING', 'COMPLETED', 'FAILED', 'CANCELLED'];
const VERBS = { cancel: 'CANCELLED', retry: 'QUEUED' };
const MINUTE_MS = 60_000;

export function job(number, status, more = {}) {
  const progress = { QUEUED: 0, TRANSCRIBING: 42.5, ANALYZING: 99, COMPLETED: 100, FAILED: 17, CANCELLED: 60 }[status];
  return {
    jobId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    sessionId: 'newsroom',
    status,
    progress,
    priority: 0,
    language: 'en',
    fileName: `recording-${number}.mp3`,
    contentType: 'audio/mpeg',
    bytes: 1_048_576 * number,
    format: 'MPEG layer 3, 44100 Hz, 2 channels',
    durationMs: 61_000 * number,
    doneMs: 610 * number * progress,
    createdAt: Date.now() - number * MINUTE_MS,
    startedAt: status === 'QUEUED' ? null : Date.now() - number * MINUTE_MS + 1000,
    finishedAt: null,
    updatedAt: Date.now() - number * 1000,
    version: 3,
    attempt: status === 'QUEUED' ? 0 : 1,
    attempts: 3,
    nextAttemptAt: null,
    worker: 'jobs-1',
    note: null,
    error: null,
    warnings: 0,
    deleteAfterAnalysis: false,
    audio: true,
    webhook: null,
    ...more,
  };
}

export function eventOf(one) {
  return { job_id: one.jobId, session_id: one.sessionId, status: one.status, progress: one.progress, version: one.version, job: one };
}

export class FakeDesk {
  jobs = [];
  token = 'the-right-token';
  asked = []; // method and path of what was asked for
  sockets = new Set();
  text = 'so the first thing on the list for today is the budget';

  async serve(page) {
    await page.routeWebSocket('**/ws', (socket) => this.#greet(socket));
    await page.route(/\/(jobs|api)(\/|\?|$)/, (route) => this.#answer(route));
  }

  get counts() {
    return Object.fromEntries(STATES.map((state) => [state, this.jobs.filter((one) => one.status === state).length]));
  }

  /** A job changes, and everybody who watches hears of it. */
  change(one, fields, type, text) {
    Object.assign(one, fields, { version: one.version + 1, updatedAt: Date.now() });
    this.tell(type, { ...eventOf(one), text });
  }

  tell(type, payload) {
    for (const socket of this.sockets) socket.send(JSON.stringify({ type, payload, timestamp: Date.now() }));
  }

  house(more = {}) {
    const actor = (name, service, streams, capacity, rate, fields) => ({ name, service, streams, capacity, rate, lagMs: 40, draining: false, heardMs: 120, ...fields });
    return {
      now: { time: Date.now(), frames: 480.4, lagMs: 42, queued: this.counts.QUEUED, waiting: 1 },
      counts: this.counts,
      brokers: [{ name: 'broker', streams: 9, rate: 1010, leaving: false }],
      edges: [{ name: 'edge', streams: 7, rate: 480, lagMs: 42 }],
      actors: [
        actor('transcriber-1', 'transcribe', 5, 6, 250),
        actor('transcriber-2', 'transcribe', 4, 6, 230, { draining: true }),
        actor('room-1', 'room', 3, 10000, 12, { lagMs: 0 }),
        actor('analysis-1', 'analyze', 1, 32, 0.2, { heardMs: 2100 }),
      ],
      jobs: [{ name: 'jobs-1', running: 2, concurrency: 2, uploads: 1, store: 'sqlite', storeError: null, spoolBytes: 3.2e9, spoolQuota: 5e10, diskFree: 8.1e10 }],
      quarantine: [{ client: '3f9a0c00000000a1', reason: 'ten workers died of it', agoMs: 61_000 }],
      ...more,
    };
  }

  #greet(socket) {
    socket.send(JSON.stringify({ type: 'welcome', payload: {}, timestamp: 0 }));
    socket.onMessage((data) => {
      const { type, payload } = JSON.parse(data);
      if (type === 'ping') socket.send(JSON.stringify({ type: 'pong', payload: {}, timestamp: 0 }));
      else if (payload.token !== this.token) this.#refuse(socket, type);
      else if (type === 'house.watch') socket.send(JSON.stringify({ type: 'house.state', payload: this.house(), timestamp: 0 }));
      else if (type === 'job.watch') this.#watch(socket);
    });
    socket.onClose(() => this.sockets.delete(socket));
  }

  #watch(socket) {
    this.sockets.add(socket);
    for (const one of this.jobs) if (!one.status.endsWith('ED') || one.status === 'QUEUED') this.tell('job.progress', eventOf(one));
  }

  #refuse(socket, ref) {
    const payload = { code: 'unauthorized', message: 'The token is not the operator\'s.', ref };
    socket.send(JSON.stringify({ type: 'error', payload, timestamp: 0 }));
  }

  async #answer(route) {
    const request = route.request();
    const { pathname, searchParams } = new URL(request.url());
    this.asked.push(`${request.method()} ${pathname}`);
    if (request.headers().authorization !== `Bearer ${this.token}`) {
      return route.fulfill({ status: 401, json: { error: 'unauthorized', message: 'The token is not the operator\'s.' } });
    }
    if (pathname === '/api/house') return route.fulfill({ json: { ...this.house(), history: this.#history() } });
    if (pathname === '/jobs') return route.fulfill({ json: this.#list(searchParams) });
    return this.#one(route, request.method(), pathname.split('/').slice(2));
  }

  #history() {
    const wave = (high, i) => Math.round(high * (0.6 + 0.4 * Math.sin(i / 40)));
    const values = (high) => Array.from({ length: 720 }, (_, i) => wave(high, i));
    return { stepMs: 5000, until: Date.now(), frames: values(500), lagMs: values(60), queued: values(9), waiting: values(2) };
  }

  #list(query) {
    const [q, state, page, per] = [query.get('q')?.toLowerCase(), query.get('state'), Number(query.get('page')), Number(query.get('per_page'))];
    const found = this.jobs.filter((one) => (!state || one.status === state) && (!q || JSON.stringify(one).toLowerCase().includes(q)));
    return { jobs: found.slice((page - 1) * per, page * per), page, pages: Math.ceil(found.length / per), total: found.length, counts: this.counts };
  }

  async #one(route, method, [id, what]) {
    const one = this.jobs.find((candidate) => candidate.jobId === id);
    if (!one) return route.fulfill({ status: 404, json: { error: 'not_found', message: `There is no job ${id}.` } });
    if (method === 'DELETE') {
      this.jobs.splice(this.jobs.indexOf(one), 1);
      return route.fulfill({ status: 204 });
    }
    if (what === 'transcript') return route.fulfill({ contentType: 'text/plain', body: this.text });
    if (VERBS[what]) this.change(one, { status: VERBS[what] }, `job.${VERBS[what].toLowerCase()}`);
    const history = [{ attempt: 1, worker: 'jobs-1', startedAt: one.startedAt, endedAt: null, outcome: null, error: null }];
    const analysis = one.status === 'COMPLETED' ? { durationMs: one.durationMs, speechMs: 40_000, words: 431, wordsPerMinute: 143.4, terms: [{ text: 'budget', count: 9 }], summary: { state: 'off' } } : null;
    return route.fulfill({ json: { ...one, history, analysis } });
  }
}
