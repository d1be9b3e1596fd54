/** Streams of the client library through reconnects: no audio lost, no word twice, one clock, within bounds. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { FakeSocket, record, WELCOME } from './support/fake-socket.js';
import { importWeb } from './support/web.js';

const { Earshot, KeptFrames } = await importWeb('earshot.js', 'kept-frames.js');

const CHUNK = new Int16Array(1600); // 100 ms
const PLACE = { token: 't', stream: 'c-1', committed: 2, position: 3200, checkpoint: 'AAEC' }; // after final(1, 2)

beforeEach(() => {
  FakeSocket.all = [];
  mock.timers.enable();
});
afterEach(() => mock.timers.reset());

async function streaming(options = {}, settings = {}) {
  const earshot = new Earshot({ WebSocket: FakeSocket, ...options });
  earshot.connect('ws://server/ws');
  greet();
  earshot.startStream(settings);
  hear('audio.started', { stream: 'c-1', next_seq: 1 });
  return earshot;
}

const hear = (type, payload) => FakeSocket.last.hear(type, payload);
const greet = (token = 't') => hear('welcome', { ...WELCOME, token });

function send(earshot, count = 1) {
  for (let i = 0; i < count; i++) assert.equal(earshot.send(CHUNK), true);
}

function final(from, to, more = {}) {
  const place = { position: to * 1600, checkpoint: 'AAEC', start_ms: (from - 1) * 100, end_ms: to * 100 };
  hear('transcript', { text: `${from}-${to}`, final: true, seq: to, from_seq: from, to_seq: to, ...place, ...more });
}

/** The line breaks and is made anew. */
function reconnect(token) {
  const { die } = FakeSocket.last;
  die.call(FakeSocket.last);
  mock.timers.tick(5000);
  greet(token);
}

const resumed = (more = {}) => hear('session.resumed', { ok: true, session: 's', token: 't2', next_seq: 3, ...more });
const texts = (seen) => seen.filter(([type]) => type === 'transcript').map(([, { text }]) => text);
const resumption = () => FakeSocket.last.texts('session.resume').map(({ payload }) => payload);

test('what is not final is sent again on the next connection, and on it goes', async () => {
  const earshot = await streaming({}, { sampleRate: 16000, language: 'en' });
  const seen = record(earshot, 'transcript', 'lost', 'error', 'resumed');
  send(earshot, 4);
  final(1, 2);
  FakeSocket.last.die();
  assert.equal(earshot.streaming, true);
  send(earshot); // spoken while there is no connection
  mock.timers.tick(5000);
  greet('another');
  assert.deepEqual(resumption(), [PLACE]);
  assert.equal(FakeSocket.last.chunks().length, 0, 'not before the answer');
  resumed();
  const [, start, ...chunks] = FakeSocket.last.sent;
  assert.deepEqual(start.payload, { sample_rate: 16000, format: 'pcm16', partials: true, resumable: true, language: 'en' });
  assert.equal(chunks.length, 3);
  send(earshot);
  assert.equal(FakeSocket.last.chunks().length, 4);
  final(3, 4);
  final(3, 4); // again
  final(5, 6);
  assert.deepEqual(texts(seen), ['1-2', '3-4', '5-6']);
  assert.deepEqual(seen.filter(([type]) => type !== 'transcript'), [['resumed', { ok: true, session: 's', reason: undefined }]]);
  assert.deepEqual(earshot.progress.committedMs, 600);
});

test('a socket that is closing is given nothing; all of it goes over the next one', async () => {
  const earshot = await streaming();
  send(earshot, 2);
  FakeSocket.last.readyState = 2;
  send(earshot, 2);
  assert.equal(FakeSocket.last.chunks().length, 2);
  reconnect();
  resumed();
  assert.equal(FakeSocket.last.chunks().length, 4);
});

test('the fresh token is the one to show next; a greeting that nobody followed up is none', async () => {
  const earshot = await streaming();
  send(earshot, 3);
  final(1, 2);
  reconnect('not this one'); // lost before session.resumed
  reconnect();
  assert.deepEqual(resumption(), [PLACE]);
  resumed();
  reconnect();
  assert.deepEqual(resumption(), [{ ...PLACE, token: 't2' }]);
});

test('stop() resolves after the last words, over reconnects', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'transcript', 'done', 'lost');
  send(earshot, 3);
  final(1, 2);
  const stopped = earshot.stop();
  reconnect();
  resumed();
  assert.deepEqual(FakeSocket.last.sent.map((said) => said.type ?? 'chunk'), ['session.resume', 'audio.start', 'chunk', 'audio.stop']);
  reconnect();
  resumed();
  final(3, 4);
  hear('audio.done');
  await stopped;
  assert.deepEqual(texts(seen), ['1-2', '3-4']);
  assert.deepEqual(seen.at(-1), ['done', { asked: true }]);
});

test('when only the word of the end did not come, the end is known', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'marked');
  send(earshot, 1);
  earshot.mark('m');
  const stopped = earshot.stop();
  final(1, 3);
  FakeSocket.last.die();
  await stopped;
  assert.equal(earshot.streaming, false);
  assert.deepEqual(seen, [['marked', { id: 'm' }]]);
});

test('a mark comes back once', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'marked');
  send(earshot, 1);
  earshot.mark('a');
  send(earshot, 1);
  earshot.mark('b');
  final(1, 2);
  hear('audio.marked', { id: 'a' });
  reconnect();
  resumed();
  assert.deepEqual(FakeSocket.last.texts('audio.mark').map(({ payload }) => payload.id), ['b']);
  hear('audio.marked', { id: 'b' });
  assert.deepEqual(seen.map(([, { id }]) => id), ['a', 'b']);
});

test('a server that could not take it over gets what is kept as a new stream, on the same clock', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'transcript', 'resumed', 'lost');
  send(earshot, 4);
  final(1, 2);
  reconnect('t3');
  hear('session.resumed', { ok: false, reason: 'The token is from another house.' });
  assert.equal(FakeSocket.last.chunks().length, 2);
  hear('audio.started', { stream: 'd-1', next_seq: 1 });
  hear('ack', { seq: 1, chunk_size: 3200 });
  assert.equal(earshot.progress.ackedMs, 300);
  final(1, 2, { words: [{ text: 'x', start_ms: 10, end_ms: 150 }] });
  const [, told, [, words]] = seen;
  assert.deepEqual(told, ['resumed', { ok: false, session: 's', reason: 'The token is from another house.' }]);
  assert.deepEqual([words.from_seq, words.to_seq, words.start_ms, words.end_ms], [3, 4, 200, 400]);
  assert.deepEqual(words.words, [{ text: 'x', start_ms: 210, end_ms: 350 }]);
  reconnect();
  assert.deepEqual(resumption(), [{ ...PLACE, token: 't3', stream: 'd-1' }]);
});

test('lost before it had begun: it begins again', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket });
  earshot.connect('ws://server/ws');
  greet();
  earshot.startStream();
  send(earshot, 2);
  reconnect();
  assert.deepEqual(FakeSocket.last.sent.map((said) => said.type ?? 'chunk'), ['audio.start', 'chunk', 'chunk']);
});

test('silence is forgotten; what is not final is kept within bounds, and the bound is told', async () => {
  const earshot = await streaming({ keepMs: 1000 });
  const seen = record(earshot, 'error');
  for (let seq = 1; seq <= 50; seq++) {
    send(earshot);
    hear('audio.committed', { to_seq: seq, position: seq * 1600, checkpoint: 'AAEC' });
  }
  FakeSocket.last.die();
  send(earshot, 10);
  assert.equal(earshot.send(CHUNK), false);
  assert.equal(earshot.send(CHUNK), false);
  assert.deepEqual(seen.map(([, { code, message }]) => [code, /1 s/.test(message)]), [['keep_full', true]]);
  mock.timers.tick(5000);
  greet();
  resumed({ next_seq: 51 });
  assert.equal(FakeSocket.last.chunks().length, 10);
  hear('audio.committed', { to_seq: 60, position: 60 * 1600 });
  send(earshot);
});

test('a slow socket is not filled: what it does not take stays kept', async () => {
  const earshot = await streaming({ maxBuffered: 10_000 });
  FakeSocket.last.bufferedAmount = 10_000;
  send(earshot, 3);
  assert.equal(FakeSocket.last.chunks().length, 0);
  FakeSocket.last.bufferedAmount = 0;
  send(earshot);
  assert.equal(FakeSocket.last.chunks().length, 4);
});

test('a server that goes down is left while it still serves', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'transcript', 'state', 'lost');
  send(earshot, 4);
  const [old] = FakeSocket.all;
  old.hear('status', { state: 'draining' });
  const next = FakeSocket.last;
  assert.notEqual(next, old);
  send(earshot);
  assert.equal(old.chunks().length, 5, 'meanwhile it is used');
  old.hear('transcript', { text: '1-2', final: true, from_seq: 1, to_seq: 2, position: 3200, checkpoint: 'AAEC' });
  greet();
  assert.equal(old.closed, true);
  assert.deepEqual(resumption(), [PLACE]);
  resumed();
  assert.equal(next.chunks().length, 3);
  final(3, 5);
  assert.deepEqual(texts(seen), ['1-2', '3-5']);
  assert.deepEqual(seen.filter(([type]) => type !== 'transcript').map(([, { state }]) => state), ['open']);
});

test('where the next one does not answer it is tried again, and a close of the old one is a lost line', async () => {
  const earshot = await streaming({ minDelayMs: 200 });
  send(earshot, 2);
  const [old] = FakeSocket.all;
  old.hear('status', { state: 'draining' });
  FakeSocket.last.die();
  assert.equal(earshot.state, 'open');
  mock.timers.tick(200);
  assert.equal(FakeSocket.all.length, 3);
  old.die(1001, 'the server is going down');
  assert.equal(earshot.state, 'waiting');
  mock.timers.tick(200);
  greet();
  resumed({ next_seq: 1 });
  assert.equal(FakeSocket.last.chunks().length, 2);
});

test('a chunk that was not taken puts nothing out of step', async () => {
  const earshot = await streaming();
  const seen = record(earshot, 'error');
  send(earshot, 2);
  hear('error', { code: 'overrun', message: 'Too much audio at once; this chunk was not taken.' });
  greet();
  resumed({ next_seq: 1 });
  assert.equal(FakeSocket.last.chunks().length, 2);
  assert.deepEqual(seen, []);
});

test('without reconnect, and at close(), the end is honest', async () => {
  const earshot = await streaming({ reconnect: false });
  const seen = record(earshot, 'lost');
  send(earshot, 1);
  const stopped = earshot.stop();
  FakeSocket.last.die(1001, 'going away');
  await assert.rejects(stopped, { code: 'connection_lost', message: /going away/ });
  assert.deepEqual(seen.map(([, { progress, error }]) => [progress.sentMs, error.code]), [[100, 'connection_lost']]);
  const other = await streaming();
  const ended = other.stop();
  other.close();
  await assert.rejects(ended, { code: 'connection_lost' });
});

test('the caller may use its buffer again', async () => {
  const earshot = await streaming();
  const samples = new Int16Array([1, 2]);
  earshot.send(samples);
  samples.fill(9);
  reconnect();
  resumed({ next_seq: 1 });
  const [chunk] = FakeSocket.last.chunks();
  assert.deepEqual([...new Int16Array(chunk.buffer, chunk.byteOffset, 2)], [1, 2]);
});

test('kept frames: each once on a connection, from the oldest', () => {
  const kept = new KeptFrames();
  const bytes = (n) => ({ bytes: new Uint8Array(n) });
  assert.deepEqual([kept.add(bytes(2)), kept.add(bytes(4)), kept.add({ end: true })], [1, 2, 3]);
  assert.equal(kept.next().total, 2);
  assert.equal(kept.next().total, 6);
  kept.commit(1);
  kept.commit(1);
  assert.equal(kept.next().end, true);
  assert.equal(kept.next(), null);
  assert.deepEqual([kept.bytes, kept.total, kept.committed, kept.totalAt(1), kept.totalAt(2)], [4, 6, 1, 2, 6]);
  kept.rewind();
  assert.equal(kept.next().total, 6);
  kept.commit(9);
  assert.deepEqual([kept.bytes, kept.committed, kept.next()], [0, 3, null]);
});
