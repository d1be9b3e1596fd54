/** jobs.js against a socket, a fetch and an upload that a test holds in its hand. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { FakeSocket, record, WELCOME } from './support/fake-socket.js';
import { importWeb } from './support/web.js';

const { Jobs } = await importWeb('jobs.js');
const BASE = 'http://server:8000';
let asked, answers;

beforeEach(() => {
  FakeSocket.all = [];
  FakeUpload.all = [];
  asked = [];
  answers = [];
  mock.timers.enable();
});
afterEach(() => mock.timers.reset());

class FakeUpload {
  static all = [];
  headers = {};
  upload = {};
  constructor() {
    FakeUpload.all.push(this);
  }
  open(...what) {
    this.opened = what;
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  getResponseHeader(name) {
    return name === 'Retry-After' ? this.retryAfter ?? null : null;
  }
  send(body) {
    this.sent = body;
  }
  abort() {
    this.onabort();
  }
  answer(status, body) {
    Object.assign(this, { status, responseText: JSON.stringify(body) });
    this.onload();
  }
}

function answering(status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  answers.push({ ok: status < 300, status, headers: { get: (name) => headers[name] ?? null }, text: async () => text, json: async () => JSON.parse(text) });
}

function make(options = {}) {
  const fetch = async (url, how) => {
    asked.push([how.method, url, how.headers]);
    return answers.shift() ?? Promise.reject(new Error('offline'));
  };
  return new Jobs({ base: BASE, fetch, WebSocket: FakeSocket, XMLHttpRequest: FakeUpload, ...options });
}

const news = (job_id, version, more = {}) => ({ job_id, session_id: 's', status: 'TRANSCRIBING', progress: version, version, job: {}, ...more });

test('the first watch opens a connection, the last one closes it', () => {
  const jobs = make();
  const stop = jobs.watchJob('a', () => {});
  assert.equal(FakeSocket.last.url, 'ws://server:8000/ws');
  FakeSocket.last.hear('welcome', WELCOME);
  assert.deepEqual(FakeSocket.last.texts('job.watch').map((m) => m.payload), [{ job_id: 'a' }]);
  const stopOther = jobs.watchSession('s', () => {});
  stop();
  assert.deepEqual(FakeSocket.last.texts('job.unwatch').map((m) => m.payload), [{ job_id: 'a' }]);
  stop();
  stopOther();
  assert.ok(FakeSocket.last.closed);
  assert.equal(jobs.state, 'closed');
  jobs.watchJob('a', () => {});
  assert.equal(FakeSocket.all.length, 2);
  jobs.close();
});

test('what changed is told once, and what is late is not', () => {
  const jobs = make();
  const a = [], all = [];
  jobs.watchJob('a', ({ version }) => a.push(version));
  jobs.watchAll(({ job_id, version }) => all.push([job_id, version]));
  FakeSocket.last.hear('welcome', WELCOME);
  FakeSocket.last.hear('job.watching', { job_id: 'a' });
  FakeSocket.last.hear('job.progress', news('a', 3));
  FakeSocket.last.hear('job.progress', news('a', 2));
  FakeSocket.last.hear('job.progress', news('b', 1));
  FakeSocket.last.hear('job.completed', news('a', 4));
  FakeSocket.last.hear('job.completed', news('a', 4));
  assert.deepEqual(a, [3, 4]);
  assert.deepEqual(all, [['a', 3], ['b', 1], ['a', 4]]);
  jobs.close();
});

test('a second listener gets the present state as well', () => {
  const jobs = make();
  const first = [], second = [];
  jobs.watchJob('a', ({ version }) => first.push(version));
  FakeSocket.last.hear('welcome', WELCOME);
  FakeSocket.last.hear('job.progress', news('a', 3));
  jobs.watchJob('a', ({ version }) => second.push(version));
  assert.equal(FakeSocket.last.texts('job.watch').length, 2);
  FakeSocket.last.hear('job.progress', news('a', 3));
  assert.deepEqual([first, second], [[3], [3]]);
  jobs.close();
});

test('after a broken connection everything is watched again', () => {
  const jobs = make({ token: 'secret' });
  const houses = [];
  jobs.watchAll(() => {});
  jobs.watchHouse((house) => houses.push(house.name));
  FakeSocket.last.hear('welcome', WELCOME);
  FakeSocket.last.die();
  assert.equal(jobs.state, 'waiting');
  mock.timers.tick(1000);
  FakeSocket.last.hear('welcome', WELCOME);
  assert.deepEqual(FakeSocket.last.sent.map((m) => [m.type, m.payload]), [
    ['job.watch', { all: true, token: 'secret' }],
    ['house.watch', { token: 'secret' }],
  ]);
  FakeSocket.last.hear('house.state', { name: 'edge' });
  assert.deepEqual(houses, ['edge']);
  jobs.close();
});

test('a watch that is refused is an error event', () => {
  const jobs = make();
  const seen = record(jobs, 'error');
  jobs.watchAll(() => {});
  FakeSocket.last.hear('welcome', WELCOME);
  FakeSocket.last.hear('error', { code: 'unauthorized', message: 'No.', ref: 'job.watch' });
  assert.equal(seen[0][1].code, 'unauthorized');
  assert.equal(seen[0][1].ref, 'job.watch');
  jobs.close();
});

test('questions and commands are requests', async () => {
  const jobs = make({ token: 'secret' });
  answering(200, { jobs: [] });
  assert.deepEqual(await jobs.list({ state: 'FAILED', q: 'a b', page: 2 }), { jobs: [] });
  answering(200, { text: 'x' });
  assert.deepEqual(await jobs.transcript('a'), { text: 'x' });
  answering(200, 'WEBVTT\n');
  assert.equal(await jobs.transcript('a', 'vtt'), 'WEBVTT\n');
  answering(200, { jobId: 'a' });
  await jobs.cancel('a');
  answering(200, { jobId: 'a' });
  await jobs.retry('a');
  answering(204, '');
  assert.equal(await jobs.remove('a/b'), undefined);
  assert.deepEqual(asked.map(([method, url]) => `${method} ${url.slice(BASE.length)}`), [
    'GET /jobs?state=FAILED&q=a+b&page=2',
    'GET /jobs/a/transcript?format=json',
    'GET /jobs/a/transcript?format=vtt',
    'POST /jobs/a/cancel',
    'POST /jobs/a/retry',
    'DELETE /jobs/a%2Fb',
  ]);
  assert.equal(asked[0][2].Authorization, 'Bearer secret');
  assert.equal(jobs.audioUrl('a'), `${BASE}/jobs/a/audio`);
});

test('a refusal keeps what the server said', async () => {
  const jobs = make();
  answering(409, { error: 'conflict', message: 'It is over.' });
  await assert.rejects(jobs.cancel('a'), { name: 'EarshotError', code: 'conflict', message: 'It is over.', status: 409 });
  answering(503, 'not JSON', { 'Retry-After': '5' });
  await assert.rejects(jobs.get('a'), { code: 'refused', status: 503, retryAfterS: 5 });
  await assert.rejects(jobs.get('a'), { code: 'unreachable', status: 0 });
});

test('an upload tells how far it is and what became of it', async () => {
  const jobs = make();
  const file = { name: 'talk & more.mp3', type: 'audio/mpeg' };
  const told = [];
  const done = jobs.upload(file, { session: 'desk-1', priority: 2, key: 'k' }, (progress) => told.push(progress));
  const [request] = FakeUpload.all;
  assert.deepEqual(request.opened, ['POST', `${BASE}/session/desk-1/upload?file_name=talk+%26+more.mp3&priority=2`]);
  assert.deepEqual(request.headers, { 'Content-Type': 'audio/mpeg', 'Idempotency-Key': 'k' });
  request.upload.onprogress({ loaded: 5, total: 10 });
  assert.deepEqual(told, [{ sent: 5, total: 10 }]);
  assert.equal(request.sent, file);
  request.answer(202, { jobId: 'a' });
  assert.deepEqual(await done, { jobId: 'a' });
});

test('an upload may be refused, cut or broken off', async () => {
  const jobs = make();
  const full = jobs.upload({ name: 'x', type: 'text/html' }, { session: 's' });
  assert.equal(FakeUpload.all[0].headers['Content-Type'], 'application/octet-stream');
  FakeUpload.all[0].retryAfter = '60';
  FakeUpload.all[0].answer(507, { error: 'spool_full', message: 'Full.' });
  await assert.rejects(full, { code: 'spool_full', status: 507, retryAfterS: 60 });
  const cut = jobs.upload({ name: 'x', type: '' }, { session: 's' });
  FakeUpload.all[1].onerror();
  await assert.rejects(cut, { code: 'unreachable' });
  const abort = new AbortController();
  const broken = jobs.upload({ name: 'x', type: '' }, { session: 's', signal: abort.signal });
  abort.abort();
  await assert.rejects(broken, { code: 'aborted' });
});
