/**
 * earshot.js: speech in, words out, over one WebSocket.
 *
 *     import { Earshot } from '/web/earshot.js';
 *
 *     const earshot = new Earshot();
 *     earshot.on('partial', (t) => show(t.text));          // may still change
 *     earshot.on('transcript', (t) => append(t.text));     // final: said once, never again
 *     await earshot.connect();
 *     earshot.startStream({ sampleRate: 16000, partials: true });
 *     earshot.send(int16Samples);                          // PCM16 mono, as often as you like
 *     await earshot.stop();                                // resolves after the last words
 *
 * An Earshot object is one client: it holds a connection, opens it again when it breaks, and carries one stream
 * of audio at a time. A stream belongs to the connection that it was started on. When that connection breaks, the
 * stream is over: `lost` says so, with how far the server had come, and stop() rejects. Nothing is sent again
 * behind the caller's back. The Stream class below keeps exactly what a resumed stream needs (committed frame,
 * checkpoint, session token), so that keeping the audio itself is the only thing missing for session.resume.
 *
 * Back-pressure. A server that cannot keep up stops reading; then acks stop. Whoever reads faster than real time
 * awaits writable() before each send(). A live microphone need not: what it cannot get rid of waits in the socket,
 * up to `maxBuffered` bytes; beyond that send() refuses and an `error` with the code `overrun` says so.
 *
 * Events (addEventListener gives a CustomEvent with the object as `detail`; on() gives the object itself):
 *
 *   state       { state, code?, reason?, retryInMs?, attempt? }   state: connecting | open | waiting | closed
 *   welcome     { client_id, session, token, limits }
 *   ack         { client_id, seq, chunk_size }
 *   partial     { text, start_ms, end_ms, … }                     replaces the partial before it
 *   transcript  { text, from_seq, to_seq, start_ms, end_ms, confidence?, words? }
 *   status      { state, queue? }                                 e.g. waiting for a transcriber, place in the queue
 *   done        { asked }                                         every word of what the server took is delivered;
 *                                                                 asked: by stop(), or else the server ended the
 *                                                                 stream, for it is going down, and audio sent
 *                                                                 since then was not taken
 *   marked      { id }                                            all that came before mark(id) is transcribed
 *   lost        { progress, error }                               the stream is over before its last words: the
 *                                                                 connection broke, or the server refused to begin
 *   error       EarshotError { code, message, ref? }
 */

/** What a caller can get as a rejection, an exception or an `error` event. `code` is for programs. */
export class EarshotError extends Error {
  constructor(code, message, ref) {
    super(message);
    this.name = 'EarshotError';
    this.code = code;
    this.ref = ref;
  }
}

/** The sample rates that the server takes, in Hz. */
export const SAMPLE_RATES = Object.freeze([8000, 16000, 24000, 44100, 48000]);

const DEFAULTS = {
  reconnect: true,
  minDelayMs: 500, // first wait before another try; doubles, with jitter
  maxDelayMs: 10_000,
  pingMs: 15_000, // a ping when the line has been quiet that long
  silenceMs: 10_000, // and a dead line when it stays quiet that much longer
  windowBytes: 128 * 1024, // audio not yet acknowledged before writable() waits: 4 s at 16 kHz
  maxBuffered: 4 * 1024 * 1024, // audio in the socket before send() refuses: 2 min at 16 kHz
  maxChunk: 16 * 1024, // larger buffers are cut, to less where the server's limits say so
};

/** One stream of audio, as its sender sees it. */
class Stream {
  constructor(settings) {
    this.settings = settings;
    this.sentBytes = 0;
    this.ackedBytes = 0;
    this.committedSeq = 0; // last frame whose words are final
    this.committedMs = 0;
    this.checkpoint = undefined;
    this.stopping = false; // no audio is taken any more
    this.asked = false; // because stop() was called
    this.result = deferred();
    this.result.promise.catch(() => {}); // only a caller of stop() has to hear of it
    this.waiters = [];
  }

  get unackedBytes() {
    return this.sentBytes - this.ackedBytes;
  }

  acknowledge(bytes) {
    this.ackedBytes = Math.min(this.sentBytes, this.ackedBytes + bytes);
    this.wake();
  }

  commit({ to_seq, end_ms, checkpoint }) {
    if (Number.isFinite(to_seq)) this.committedSeq = Math.max(this.committedSeq, to_seq);
    if (Number.isFinite(end_ms)) this.committedMs = Math.max(this.committedMs, end_ms);
    if (checkpoint !== undefined) this.checkpoint = checkpoint;
  }

  wake() {
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  progress() {
    const toMs = (bytes) => (bytes / 2 / this.settings.sampleRate) * 1000;
    return {
      sentMs: toMs(this.sentBytes),
      ackedMs: toMs(this.ackedBytes),
      committedMs: this.committedMs,
      committedSeq: this.committedSeq,
    };
  }
}

export class Earshot extends EventTarget {
  #options;
  #url;
  #socket = null;
  #state = 'closed';
  #wanted = false; // the caller wants a connection: connect() was called and close() was not
  #opened = null; // deferred of connect()
  #attempt = 0;
  #retryTimer;
  #pulseTimer;
  #heardAt = 0;
  #welcome = null;
  #stream = null;

  /**
   * @param {object} [options] any of reconnect, minDelayMs, maxDelayMs, pingMs, silenceMs, windowBytes, maxBuffered;
   *   and WebSocket, a class to use instead of the platform's.
   */
  constructor(options = {}) {
    super();
    this.#options = { WebSocket: globalThis.WebSocket, ...DEFAULTS, ...options };
  }

  /** connecting | open | waiting (for the next try) | closed */
  get state() {
    return this.#state;
  }

  /** The last welcome of the server, or null: { client_id, session, token, limits }. */
  get welcome() {
    return this.#welcome;
  }

  /** True from startStream() until `done` or `lost`. */
  get streaming() {
    return this.#stream !== null;
  }

  /** How far the open stream is: { sentMs, ackedMs, committedMs, committedSeq }, or null without one. */
  get progress() {
    return this.#stream?.progress() ?? null;
  }

  /** Audio that waits in this browser to be sent, in bytes. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /**
   * Listen without the event wrapper.
   * @param {string} type one of the events above
   * @param {(detail: any) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(type, listener) {
    const wrapped = (event) => listener(event.detail);
    this.addEventListener(type, wrapped);
    return () => this.removeEventListener(type, wrapped);
  }

  /**
   * Connect, and stay connected until close(). A second call returns the same promise.
   * @param {string|URL} [url] ws: or wss: address; without one, the `/ws` of the server that this file came from
   * @returns {Promise<object>} the first welcome. With `reconnect` it waits as long as it takes; without, it rejects.
   */
  connect(url) {
    this.#url = String(url ?? this.#url ?? defaultUrl());
    this.#wanted = true;
    if (!this.#opened) {
      this.#opened = deferred();
      this.#opened.promise.catch(() => {});
    }
    if (this.#state === 'closed') this.#open();
    return this.#opened.promise;
  }

  /** Try again at once instead of at the end of the wait, for example when the network is back. */
  retryNow() {
    if (this.#state === 'waiting') this.#open();
  }

  /** Close for good. An open stream is lost. connect() starts anew. */
  close() {
    this.#wanted = false;
    this.#release(1000, 'closed by the client');
  }

  /**
   * Begin a stream. Words come as `partial` and `transcript`.
   * @param {object} [settings]
   * @param {number} [settings.sampleRate] of what send() will be given: one of SAMPLE_RATES
   * @param {string} [settings.language] a BCP 47 tag, where the server has a choice
   * @param {boolean} [settings.partials] words while they are spoken, true unless said otherwise
   */
  startStream({ sampleRate = 16000, language, partials = true } = {}) {
    if (this.#state !== 'open') throw new EarshotError('not_connected', 'There is no connection to the server.');
    if (this.#stream) throw new EarshotError('stream_open', 'A stream is open already; stop() it first.');
    if (!SAMPLE_RATES.includes(sampleRate)) {
      const rates = SAMPLE_RATES.join(', ');
      throw new EarshotError('bad_sample_rate', `The sample rate ${sampleRate} is not one of ${rates} Hz.`);
    }
    const payload = { sample_rate: sampleRate, format: 'pcm16', partials };
    if (language) payload.language = language;
    this.#stream = new Stream({ sampleRate, language, partials });
    this.#say('audio.start', payload);
  }

  /**
   * Send audio: PCM16, mono, little-endian. Never blocks.
   * @param {Int16Array|ArrayBuffer} audio
   * @returns {boolean} false if it was not taken: no stream is open (any more), or too much is waiting already
   */
  send(audio) {
    const stream = this.#stream;
    if (!stream || stream.stopping) return false;
    const bytes = bytesOf(audio);
    if (bytes.byteLength % 2) throw new EarshotError('odd_length', `${bytes.byteLength} bytes are no whole samples.`);
    if (this.bufferedAmount + bytes.byteLength > this.#options.maxBuffered) {
      const message = `More than ${this.#options.maxBuffered} bytes of audio wait to be sent; new audio is refused.`;
      this.#emit('error', new EarshotError('overrun', message));
      return false;
    }
    const most = this.#chunkLimit();
    for (let at = 0; at < bytes.byteLength; at += most) {
      const chunk = bytes.subarray(at, at + most);
      stream.sentBytes += chunk.byteLength;
      this.#socket.send(chunk);
    }
    return true;
  }

  /**
   * Wait until there is room for more audio. For whoever sends faster than real time.
   * @returns {Promise<boolean>} false when the stream is over
   */
  async writable() {
    const stream = this.#stream;
    while (stream && stream === this.#stream && stream.unackedBytes >= this.#options.windowBytes) {
      await new Promise((resolve) => stream.waiters.push(resolve));
    }
    return stream !== null && stream === this.#stream && !stream.stopping;
  }

  /**
   * Ask to be told, by `marked`, once all audio sent so far is transcribed. Cuts no word.
   * @param {string} id comes back in `marked`; 1 to 128 bytes
   */
  mark(id) {
    if (!this.#stream) throw new EarshotError('no_stream', 'There is no open stream to mark.');
    this.#say('audio.mark', { id });
  }

  /**
   * End the stream. No audio is taken any more; words still come.
   * @returns {Promise<void>} resolves when the server has confirmed that every word was delivered (`done`); rejects
   *   with `connection_lost` if it could not. Without an open stream it resolves at once.
   */
  stop() {
    const stream = this.#stream;
    if (!stream) return Promise.resolve();
    if (!stream.stopping) {
      stream.stopping = stream.asked = true;
      this.#say('audio.stop', {});
      stream.wake();
    }
    return stream.result.promise;
  }

  /** Give the stream up without waiting for its last words. The connection is made anew. */
  abandon() {
    if (!this.#stream) return;
    this.#endStream(new EarshotError('abandoned', 'The stream was given up before its last words.'));
    this.#detach();
    this.#open();
  }

  // ---- the connection

  #open() {
    clearTimeout(this.#retryTimer);
    this.#attempt += 1;
    this.#setState('connecting', { attempt: this.#attempt });
    const socket = new this.#options.WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#release(event.code, event.reason, true);
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#pulseTimer = setInterval(() => this.#pulse(), this.#options.silenceMs / 2);
  }

  /** Let go of the socket, tell whoever waited on it, and arrange for the next one. */
  #release(code, reason, again = false) {
    this.#detach();
    const why = { code, reason: reason || undefined };
    const next = this.#wanted && again && this.#options.reconnect;
    if (next) this.#scheduleRetry(why);
    else this.#setState('closed', why);
    const cause = reason || `closed with ${code}`;
    this.#endStream(new EarshotError('connection_lost', `The connection broke before the last words (${cause}).`));
    if (!next) this.#refuseOpened(code);
  }

  #detach() {
    const socket = this.#socket;
    clearTimeout(this.#retryTimer);
    clearInterval(this.#pulseTimer);
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #scheduleRetry(why) {
    const { minDelayMs, maxDelayMs } = this.#options;
    const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.max(0, this.#attempt - 1));
    const retryInMs = Math.round(ceiling * (0.5 + Math.random() / 2));
    this.#retryTimer = setTimeout(() => this.#open(), retryInMs);
    this.#setState('waiting', { ...why, retryInMs, attempt: this.#attempt });
  }

  #refuseOpened(code) {
    this.#opened?.reject(new EarshotError('not_connected', `The server at ${this.#url} closed the connection (${code}).`));
    this.#opened = null;
  }

  #endStream(error) {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = null;
    stream.result.reject(error);
    stream.wake();
    this.#emit('lost', { progress: stream.progress(), error });
  }

  /** A line that is silent though it was asked is dead: no close event will come for minutes. */
  #pulse() {
    // A server that pushes back does not read, so it cannot answer a ping either.
    if (this.#stream?.unackedBytes > 0) return;
    const quietMs = Date.now() - this.#heardAt;
    const allowedMs = this.#state === 'open' ? this.#options.pingMs : 0;
    if (quietMs >= allowedMs + this.#options.silenceMs) this.#release(1006, 'the server is silent', true);
    else if (this.#state === 'open' && quietMs >= allowedMs) this.#say('ping', {});
  }

  #say(type, payload) {
    this.#socket.send(JSON.stringify({ type, payload, timestamp: Date.now() }));
  }

  #chunkLimit() {
    const limit = this.#welcome?.limits?.max_chunk;
    const most = Number.isFinite(limit) && limit >= 2 ? Math.min(limit, DEFAULTS.maxChunk) : DEFAULTS.maxChunk;
    return most - (most % 2);
  }

  // ---- what the server says

  #receive(data) {
    this.#heardAt = Date.now();
    const message = parse(data);
    const handler = message && Earshot.#handlers[message.type];
    if (handler) handler.call(this, message.payload ?? {}); // a type from a later version is none of our business
  }

  static #onWelcome(payload) {
    this.#welcome = payload;
    this.#attempt = 0;
    this.#setState('open', {});
    this.#opened?.resolve(payload);
    this.#emit('welcome', payload);
  }

  static #onAck(payload) {
    this.#stream?.acknowledge(payload.chunk_size ?? 0);
    this.#emit('ack', payload);
  }

  static #onTranscript(payload) {
    if (payload.final) this.#stream?.commit(payload);
    this.#emit(payload.final ? 'transcript' : 'partial', payload);
  }

  static #onDone() {
    const stream = this.#stream;
    this.#stream = null;
    stream?.wake();
    this.#emit('done', { asked: stream?.asked ?? false });
    stream?.result.resolve();
  }

  static #onError(payload) {
    const { code = 'error', message = 'The server reported an error.', ref } = payload;
    const error = new EarshotError(code, message, ref);
    // Chunks that were on their way when the server ended the stream; `done` or `lost` tells what became of it.
    if (code === 'not_streaming' && this.#stream && !this.#stream.asked) return this.#takeNoMore();
    this.#emit('error', error);
    if (ref === 'audio.start') this.#endStream(error); // it never began
  }

  #takeNoMore() {
    this.#stream.stopping = true;
    this.#stream.wake();
  }

  /** What is understood; without a prototype, for the key comes from outside. */
  static #handlers = Object.assign(Object.create(null), {
    welcome: Earshot.#onWelcome,
    ack: Earshot.#onAck,
    transcript: Earshot.#onTranscript,
    'audio.done': Earshot.#onDone,
    'audio.marked': forward('marked'),
    status: forward('status'),
    error: Earshot.#onError,
  });

  #setState(state, more) {
    this.#state = state;
    this.#emit('state', { state, ...more });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function forward(type) {
  return function (payload) {
    this.dispatchEvent(new CustomEvent(type, { detail: payload }));
  };
}

function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data);
    return message && typeof message === 'object' ? message : null;
  } catch {
    return null;
  }
}

function bytesOf(audio) {
  if (audio instanceof ArrayBuffer) return new Uint8Array(audio);
  if (audio instanceof Int16Array) return new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
  throw new TypeError('send() takes an Int16Array or an ArrayBuffer of PCM16 samples');
}

function defaultUrl() {
  const url = new URL('../ws', import.meta.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

function deferred() {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
