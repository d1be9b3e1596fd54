/** earshot.js against a socket that a test holds in its hand, on a virtual clock; and the resampler. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { FakeSocket, record, WELCOME } from './support/fake-socket.js';
import { importWeb } from './support/web.js';

const { Earshot, Resampler, toPcm16, wantsToken } = await importWeb('earshot.js', 'resampler.js');

beforeEach(() => {
  FakeSocket.all = [];
  mock.timers.enable();
});
afterEach(() => mock.timers.reset());

async function connected(options = {}) {
  const earshot = new Earshot({ WebSocket: FakeSocket, ...options });
  const opened = earshot.connect('ws://server/ws');
  FakeSocket.last.hear('welcome', WELCOME);
  assert.deepEqual(await opened, WELCOME);
  return earshot;
}

/** Second by second: the mocked clock jumps to the end of a tick before the timers in it run. */
function pass(ms) {
  for (let at = 0; at < ms; at += 1000) mock.timers.tick(1000);
}

test('connect resolves with the welcome and the state follows', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket });
  const seen = record(earshot, 'state');
  const opened = earshot.connect('ws://server/ws');
  assert.equal(earshot.connect(), opened);
  FakeSocket.last.hear('welcome', WELCOME);
  await opened;
  assert.deepEqual(seen.map(([, { state }]) => state), ['connecting', 'open']);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(FakeSocket.last.url, 'ws://server/ws');
  earshot.close();
  assert.equal(earshot.state, 'closed');
  assert.ok(FakeSocket.last.closed);
});

test('a stream says what the protocol wants, in order', async () => {
  const earshot = await connected();
  earshot.startStream({ sampleRate: 48000, language: 'en', partials: false });
  assert.equal(earshot.send(new Int16Array([1, -2])), true);
  earshot.mark('m1');
  const stopped = earshot.stop();
  assert.equal(earshot.send(new Int16Array(1)), false, 'nothing is taken after stop()');
  assert.equal(earshot.stop(), stopped, 'a second stop() is the same');
  const [start, chunk, mark, stop, ...rest] = FakeSocket.last.sent;
  assert.deepEqual(start.payload, { sample_rate: 48000, format: 'pcm16', partials: false, resumable: true, language: 'en' });
  assert.equal(typeof start.timestamp, 'number');
  assert.deepEqual([...new Int16Array(chunk.buffer, chunk.byteOffset, 2)], [1, -2]);
  assert.deepEqual([mark.type, mark.payload], ['audio.mark', { id: 'm1' }]);
  assert.deepEqual([stop.type, stop.payload], ['audio.stop', {}]);
  assert.equal(rest.length, 0);
  FakeSocket.last.hear('audio.done');
  await stopped;
  assert.equal(earshot.streaming, false);
  earshot.startStream(); // another may follow on the same connection
  assert.equal(FakeSocket.last.texts('audio.start').length, 2);
});

test('what the server says comes out as events', async () => {
  const earshot = await connected();
  const seen = record(earshot, 'partial', 'transcript', 'status', 'marked', 'ack', 'error');
  earshot.startStream();
  earshot.send(new Int16Array(1600));
  const socket = FakeSocket.last;
  socket.hear('ack', { seq: 1, chunk_size: 3200 });
  socket.hear('transcript', { text: 'hel', final: false });
  socket.hear('transcript', { text: 'hello', final: true, from_seq: 1, to_seq: 1, start_ms: 0, end_ms: 90 });
  socket.hear('status', { state: 'waiting', queue: 2 });
  socket.hear('audio.marked', { id: 'm' });
  socket.hear('error', { code: 'odd_chunk', message: 'odd' });
  socket.hear('of.a.later.version');
  socket.hear('constructor');
  socket.onmessage({ data: 'not json' });
  socket.onmessage({ data: 'null' });
  assert.deepEqual(seen.map(([type]) => type), ['ack', 'partial', 'transcript', 'status', 'marked', 'error']);
  assert.equal(seen[5][1].code, 'odd_chunk');
  assert.deepEqual(earshot.progress, { sentMs: 100, ackedMs: 100, committedMs: 90, committedSeq: 1 });
});

test('misuse is refused with words', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket });
  assert.throws(() => earshot.startStream(), { code: 'not_connected' });
  earshot.connect('ws://server/ws');
  FakeSocket.last.hear('welcome', WELCOME);
  assert.throws(() => earshot.startStream({ sampleRate: 11025 }), { code: 'bad_sample_rate', message: /11025.*16000/ });
  assert.throws(() => earshot.mark('x'), { code: 'no_stream' });
  assert.equal(earshot.send(new Int16Array(2)), false);
  await earshot.stop();
  earshot.startStream();
  assert.throws(() => earshot.startStream(), { code: 'stream_open' });
  assert.throws(() => earshot.send(new ArrayBuffer(3)), { code: 'odd_length' });
  assert.throws(() => earshot.send('text'), TypeError);
});

test('long buffers are cut to what the server takes', async () => {
  const earshot = await connected();
  earshot.startStream();
  earshot.send(new Int16Array(20000).map((_, i) => i));
  const chunks = FakeSocket.last.chunks();
  assert.deepEqual(chunks.map((chunk) => chunk.byteLength), [16384, 16384, 7232]);
  assert.equal(new Int16Array(chunks[1].buffer, chunks[1].byteOffset, 1)[0], 8192);
});

test('writable waits for acks, and for nothing once the stream is over', async () => {
  const earshot = await connected({ windowBytes: 6400 });
  earshot.startStream();
  assert.equal(await earshot.writable(), true);
  earshot.send(new Int16Array(1600));
  earshot.send(new Int16Array(1600));
  let room = 'waiting';
  const waiting = earshot.writable().then((value) => (room = value));
  await Promise.resolve();
  assert.equal(room, 'waiting');
  FakeSocket.last.hear('ack', { seq: 1, chunk_size: 3200 });
  await waiting;
  assert.equal(room, true);
  earshot.send(new Int16Array(1600));
  const last = earshot.writable();
  earshot.close();
  assert.equal(await last, false);
});

test('waits grow to a bound, and retryNow shortens them', () => {
  const earshot = new Earshot({ WebSocket: FakeSocket, minDelayMs: 1000, maxDelayMs: 8000 });
  const waits = [];
  earshot.on('state', ({ state, retryInMs }) => state === 'waiting' && waits.push(retryInMs));
  earshot.connect('ws://server/ws');
  for (let i = 0; i < 6; i++) {
    FakeSocket.last.die();
    mock.timers.tick(8000);
  }
  const bounds = [1000, 2000, 4000, 8000, 8000, 8000];
  waits.forEach((wait, i) => assert.ok(wait >= bounds[i] / 2 && wait <= bounds[i], `${wait} of ${bounds[i]}`));
  FakeSocket.last.die();
  const before = FakeSocket.all.length;
  earshot.retryNow();
  assert.equal(FakeSocket.all.length, before + 1);
  earshot.close();
  mock.timers.tick(60_000);
  assert.equal(FakeSocket.all.length, before + 1, 'closed for good');
});

test('without reconnect the first failure rejects', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket, reconnect: false });
  const opened = earshot.connect('ws://server/ws');
  FakeSocket.last.die(1006);
  await assert.rejects(opened, { code: 'not_connected', message: /ws:\/\/server\/ws.*1006/ });
  assert.equal(earshot.state, 'closed');
});

test('a token is said first on every connection', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket, token: 'abc', minDelayMs: 1000 });
  const seen = record(earshot, 'error');
  earshot.connect('ws://server/ws');
  FakeSocket.last.open();
  FakeSocket.last.hear('session.wanted', { within_ms: 10_000 });
  assert.deepEqual(FakeSocket.last.sent.map(({ type, payload }) => [type, payload]), [['session.auth', { token: 'abc' }]]);
  FakeSocket.last.hear('session.authenticated', { principal: 'jwt:ann' });
  FakeSocket.last.hear('welcome', WELCOME);
  assert.equal(earshot.state, 'open');
  earshot.token = 'def';
  FakeSocket.last.die();
  mock.timers.tick(1000);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.texts('session.auth').map(({ payload }) => payload.token), ['def']);
  assert.deepEqual(seen, []);
  earshot.close();
});

test('where a token is wanted and there is none, the caller is asked', async () => {
  const earshot = new Earshot({ WebSocket: FakeSocket });
  const seen = record(earshot, 'error');
  const opened = earshot.connect('ws://server/ws');
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, []);
  FakeSocket.last.hear('session.wanted', { within_ms: 10_000 });
  await assert.rejects(opened, { code: 'not_connected' });
  assert.ok(wantsToken(seen[0][1]) && earshot.state === 'closed');
  earshot.token = 'abc';
  const again = earshot.connect();
  FakeSocket.last.hear('welcome', WELCOME);
  assert.deepEqual(await again, WELCOME);
  earshot.close();
});

test('a server that closes with 1008 is not asked again', async () => {
  const earshot = await connected({ token: 'abc' });
  const seen = record(earshot, 'error', 'lost');
  earshot.startStream();
  FakeSocket.last.hear('error', { code: 'expired_token', message: 'The token has expired.' });
  FakeSocket.last.die(1008, 'the token has expired');
  assert.deepEqual(seen.map(([type, detail]) => [type, (detail.error ?? detail).code]), [['error', 'expired_token'], ['lost', 'connection_lost']]);
  assert.equal(earshot.state, 'closed');
  mock.timers.tick(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

test('a session that is somebody\'s has a token of its own', async () => {
  const earshot = await connected({ token: 'abc' });
  FakeSocket.last.hear('session.authenticated', { principal: 'operator', session: 's', token: 't2' });
  earshot.startStream();
  FakeSocket.last.hear('audio.started', { stream: 's-1', next_seq: 1 });
  FakeSocket.last.die();
  mock.timers.tick(5000);
  FakeSocket.last.hear('welcome', { ...WELCOME, session: 'other', token: 'x' });
  assert.equal(FakeSocket.last.texts('session.resume')[0].payload.token, 't2');
  earshot.close();
});

test('a refused start ends the stream that never began', async () => {
  const earshot = await connected();
  const seen = record(earshot, 'error', 'lost');
  earshot.startStream();
  FakeSocket.last.hear('error', { code: 'busy', message: 'No room.', ref: 'audio.start' });
  assert.deepEqual(seen.map(([type, detail]) => [type, (detail.error ?? detail).code]), [['error', 'busy'], ['lost', 'busy']]);
  assert.equal(earshot.streaming, false);
  assert.equal(earshot.state, 'open');
});

test('a server that ends the stream by itself is believed, and told apart', async () => {
  const earshot = await connected();
  const seen = record(earshot, 'done', 'error');
  earshot.startStream();
  earshot.send(new Int16Array(1600));
  FakeSocket.last.hear('error', { code: 'not_streaming', message: 'No stream is open for this chunk.' });
  assert.equal(earshot.send(new Int16Array(1600)), false);
  assert.equal(await earshot.writable(), false);
  FakeSocket.last.hear('audio.done');
  assert.deepEqual(seen, [['done', { asked: false }]]);
  earshot.startStream();
  earshot.stop();
  FakeSocket.last.hear('audio.done');
  assert.deepEqual(seen.at(-1), ['done', { asked: true }]);
});

test('a silent line is asked, then given up; one that pushes back is borne for longer', async () => {
  const earshot = await connected({ pingMs: 15_000, silenceMs: 10_000, busyMs: 60_000 });
  const socket = FakeSocket.last;
  pass(15_000);
  assert.equal(socket.texts('ping').length, 1);
  socket.hear('pong');
  pass(15_000);
  assert.equal(earshot.state, 'open');
  earshot.startStream();
  earshot.send(new Int16Array(1600));
  pass(50_000);
  assert.equal(earshot.state, 'open', 'audio is on its way');
  socket.hear('ack', { seq: 1, chunk_size: 3200 });
  pass(25_000);
  assert.ok(socket.closed);
});

test('abandon gives the stream up and the connection is made anew', async () => {
  const earshot = await connected();
  earshot.startStream();
  const stopped = earshot.stop();
  earshot.abandon();
  await assert.rejects(stopped, { code: 'abandoned' });
  assert.equal(earshot.state, 'connecting');
  assert.equal(FakeSocket.all.length, 2);
});

// ---- the resampler

function sine(rate, hz, seconds) {
  return Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));
}

function inPieces(resampler, samples, size) {
  const out = [];
  for (let at = 0; at < samples.length; at += size) out.push(...resampler.push(samples.subarray(at, at + size)));
  return out;
}

const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

for (const rate of [22050, 32000, 44100, 48000, 96000]) {
  test(`${rate} Hz to 16 kHz keeps speech, drops what would fold back, and does not drift`, () => {
    const loud = rms(sine(16000, 1000, 1));
    for (const hz of [200, 1000, 5000]) {
      const out = inPieces(new Resampler(rate, 16000), sine(rate, hz, 1), 128).slice(200);
      assert.ok(Math.abs(rms(out) / loud - 1) < 0.03, `${hz} Hz comes out at ${rms(out) / loud}`);
    }
    const above = inPieces(new Resampler(rate, 16000), sine(rate, 10_500, 1), 128).slice(200);
    assert.ok(rms(above) < 0.01 * loud, `10.5 kHz leaks ${rms(above) / loud}`);
    const out = inPieces(new Resampler(rate, 16000), new Float32Array(rate * 10), 128);
    assert.ok(Math.abs(out.length - 160_000) < 40, `${out.length} samples for ten seconds`);
  });
}

test('the size of the pieces makes no difference', () => {
  const samples = sine(44100, 440, 0.5);
  const small = inPieces(new Resampler(44100, 16000), samples, 128);
  const large = inPieces(new Resampler(44100, 16000), samples, 4410);
  assert.deepEqual(small, large);
});

test('16 kHz passes untouched; full scale clips and never wraps', () => {
  assert.deepEqual([...new Resampler(16000, 16000).push(new Float32Array([0.25, -0.5]))], [0.25, -0.5]);
  assert.deepEqual([...toPcm16(new Float32Array([0, 1, -1, 2, -2]))], [0, 32767, -32767, 32767, -32768]);
});
