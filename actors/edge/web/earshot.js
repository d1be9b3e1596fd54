/**
 * earshot.js: speech in, words out, and rooms where people read each other, over one WebSocket.
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
 *     const room = await earshot.join('lobby', { name: 'Ann' });
 *     room.on('message', (m) => append(m.name, m.text));   // room.js lists its events
 *     await room.say('hello');                             // stored; everybody gets it once
 *     earshot.startStream({ room: 'lobby' });              // what is spoken becomes captions there
 *
 * An Earshot object is one client: it holds a connection, opens it again when it breaks, and carries one stream
 * of audio at a time. A stream outlives connections. What is sent is kept until its words are final; when the connection
 * breaks, or the server goes down and says so, the stream goes on over another one: what was kept is sent again, and every
 * transcript comes once, with its times on one clock. send() takes audio meanwhile. `resumed` tells. Where the
 * server did not know the stream any more (`ok: false`), it is begun anew with what was kept: no audio is missing, but a word at
 * the seam may come out differently. stop() resolves after the last words, over however many connections.
 *
 * What bounds it: `keepMs` of audio are kept, five minutes unless said otherwise. Beyond that send() refuses, and an
 * `error` with the code `keep_full` says so, once until half of it is free again. A quiet microphone keeps next to nothing.
 * Nothing outlives the page: when it is left, what is kept is gone.
 *
 * Rooms last longer than a connection too. After a reconnect the session is resumed, each room brings what was missed, and
 * what was said and not confirmed is said again: every event comes once and in order, and what cannot come is told.
 * When the page goes away, its rooms are left at once.
 *
 * Back-pressure. A server that cannot keep up stops reading; then acks stop. Whoever reads faster than real time
 * awaits writable() before each send(). A live microphone need not: what it cannot get rid of is kept.
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
 *                                                                 stream, and audio sent since then was not taken
 *   marked      { id }                                            all that came before mark(id) is transcribed
 *   lost        { progress, error }                               the stream is over before its last words: close() or
 *                                                                 abandon() was called, the server refused to begin, or
 *                                                                 the connection broke and `reconnect` is false
 *   resumed     { ok, session, reason? }                          after a reconnect with rooms or a stream: the same member
 *                                                                 and stream as before; or, if not ok, another member and
 *                                                                 a stream begun anew, and reason says why
 *   error       EarshotError { code, message, ref? }             wantsToken(error): the server asks who you are, or does not take
 *                                                                 the token; set `token` and connect() again
 */

import { AudioStream } from './audio-stream.js';
import { Connection } from './connection.js';
import { EarshotError } from './errors.js';
import { deferred, emit, Emitter } from './events.js';
import { Rooms } from './rooms.js';

export { EarshotError, wantsToken } from './errors.js';
export { messageId, Room } from './room.js';

/** The sample rates that the server takes, in Hz. */
export const SAMPLE_RATES = Object.freeze([8000, 16000, 24000, 44100, 48000]);

const DEFAULTS = {
  token: '', // who one is, for a server that asks
  reconnect: true,
  minDelayMs: 250, // first wait before another try; doubles, with jitter
  maxDelayMs: 5000,
  pingMs: 15_000, // a ping when the line has been quiet that long
  silenceMs: 10_000, // and a dead line when it stays quiet that much longer
  busyMs: 30_000, // instead of pingMs, while audio is on its way that the server has not taken
  windowBytes: 128 * 1024, // audio not yet acknowledged before writable() waits: 4 s at 16 kHz
  maxBuffered: 1024 * 1024, // audio in the socket; what is more stays with what is kept
  keepMs: 5 * 60_000, // audio that is kept until its words are final
  maxChunk: 16 * 1024, // larger buffers are cut, to less where the server's limits say so
};

export class Earshot extends Emitter {
  #options;
  #connection;
  #rooms;
  #opened = null; // deferred of connect()
  #welcome = null;
  #stream = null;
  #unwatch = null; // stop watching the page

  /**
   * @param {object} [options] any of token, reconnect, minDelayMs, maxDelayMs, pingMs, silenceMs, busyMs, windowBytes,
   *   maxBuffered, keepMs; WebSocket, a class to use instead of the platform's; page, what tells of pagehide, pageshow and online, or null
   */
  constructor(options = {}) {
    super();
    this.#options = { WebSocket: globalThis.WebSocket, page: pageItself(), ...DEFAULTS, ...options };
    this.#connection = new Connection(this.#options, {
      onState: (state, more) => emit(this, 'state', { state, ...more }),
      onMessage: (type, payload) => this.#hear(type, payload),
      onLost: (why) => this.#lose(why),
      onMoved: () => this.#interrupt(),
      pushedBack: () => this.#stream?.unackedBytes > 0,
    });
    this.#rooms = new Rooms(this.#connection, (detail) => emit(this, 'resumed', detail));
  }

  /** connecting | open | waiting (for the next try) | closed */
  get state() {
    return this.#connection.state;
  }

  /** Counts from the next connection on. */
  set token(token) {
    this.#options.token = token;
  }

  /** The last welcome of the server, or null: { client_id, session, token, limits }. */
  get welcome() {
    return this.#welcome;
  }

  /** The session, by which rooms know this client: of the last welcome, or the one that was resumed. */
  get session() {
    return this.#rooms.session;
  }

  /** True from startStream() until `done` or `lost`. */
  get streaming() {
    return this.#stream !== null;
  }

  /** How far the open stream is: { sentMs, ackedMs, committedMs, committedSeq }, or null without one. */
  get progress() {
    return this.#stream?.progress() ?? null;
  }

  /** Audio that waits in this browser's socket to be sent, in bytes. */
  get bufferedAmount() {
    return this.#connection.bufferedAmount;
  }

  /**
   * Connect, and stay connected until close(). A second call returns the same promise.
   * @param {string|URL} [url] ws: or wss: address; without one, the `/ws` of the server that this file came from
   * @returns {Promise<object>} the first welcome. With `reconnect` it waits as long as it takes; without, it rejects.
   */
  connect(url) {
    this.#opened ??= deferred();
    this.#unwatch ??= this.#watchPage();
    const { promise } = this.#opened;
    this.#connection.open(String(url ?? this.#connection.url ?? defaultUrl()));
    return promise;
  }

  /** Try again at once instead of at the end of the wait, and see whether an open line still lives: one is back. */
  retryNow() {
    this.#connection.probe();
  }

  /** Close for good: rooms are left, an open stream is lost. connect() starts anew. */
  close() {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#rooms.sayGoodbye();
    this.#connection.close('closed by the client');
  }

  // ---- rooms

  /**
   * Enter a room, and stay in it through every reconnect until leave().
   * @param {string} id 1 to 64 bytes without control characters
   * @param {object} settings
   * @param {string} settings.name by which others see one; like the id
   * @param {number} [settings.since] @param {string} [settings.log] go on from an earlier room's `position`
   * @param {AbortSignal} [settings.signal] of someone who may not want to wait any more: like leave()
   * @returns {Promise<Room>} once let in. Waits for a connection and for the room; rejects with what the server has
   *   against it, `bad_room`, `bad_name`, `already_in_room` or `not_connected`
   */
  join(id, settings) {
    if (this.#connection.wanted) return this.#rooms.join(id, settings);
    return Promise.reject(new EarshotError('not_connected', 'Call connect() before join().'));
  }

  // ---- audio

  /**
   * Begin a stream. Words come as `partial` and `transcript`.
   * @param {object} [settings]
   * @param {number} [settings.sampleRate] of what send() will be given: one of SAMPLE_RATES
   * @param {string} [settings.language] a BCP 47 tag, where the server has a choice
   * @param {boolean} [settings.partials] words while they are spoken, true unless said otherwise
   * @param {string} [settings.room] the id of a joined room: the words become captions there too
   */
  startStream({ sampleRate = 16000, language, partials = true, room } = {}) {
    if (this.state !== 'open') throw new EarshotError('not_connected', 'There is no connection to the server.');
    if (this.#stream) throw new EarshotError('stream_open', 'A stream is open already; stop() it first.');
    if (!SAMPLE_RATES.includes(sampleRate)) {
      const rates = SAMPLE_RATES.join(', ');
      throw new EarshotError('bad_sample_rate', `The sample rate ${sampleRate} is not one of ${rates} Hz.`);
    }
    if (room !== undefined && !this.#rooms.has(room)) {
      throw new EarshotError('not_in_room', `The room ${room} is not joined at present.`);
    }
    this.#stream = new AudioStream({ sampleRate, language, partials, room }, this.#options.keepMs);
    this.#begin();
  }

  /**
   * Send audio: PCM16, mono, little-endian. Never blocks. Without a connection it is kept, and sent when there is one.
   * @param {Int16Array|ArrayBuffer} audio a copy is kept
   * @returns {boolean} false if it was not taken: no stream is open (any more), or too much is kept already
   */
  send(audio) {
    const stream = this.#stream;
    if (!stream || stream.stopping) return false;
    const bytes = bytesOf(audio);
    if (bytes.byteLength % 2) throw new EarshotError('odd_length', `${bytes.byteLength} bytes are no whole samples.`);
    if (!stream.hasRoom(bytes.byteLength)) return this.#refuse(stream);
    const most = this.#chunkLimit();
    const copy = bytes.slice(); // the caller may fill its buffer anew
    for (let at = 0; at < copy.byteLength; at += most) stream.kept.add({ bytes: copy.subarray(at, at + most) });
    this.#pump();
    return true;
  }

  #refuse(stream) {
    if (!stream.full) {
      const message = `The words of ${this.#options.keepMs / 1000} s of audio are not final yet, and more is not kept; new audio is refused.`;
      emit(this, 'error', new EarshotError('keep_full', message));
    }
    stream.full = true;
    return false;
  }

  /**
   * Wait until there is room for more audio. For whoever sends faster than real time.
   * @returns {Promise<boolean>} false when the stream is over
   */
  async writable() {
    const stream = this.#stream;
    while (stream && stream === this.#stream && stream.lags(this.#options.windowBytes)) {
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
    this.#stream.addMark(id);
    this.#pump();
  }

  /**
   * End the stream. No audio is taken any more; words still come.
   * @returns {Promise<void>} resolves when the server has confirmed that every word was delivered (`done`), after
   *   reconnects if need be; rejects when the stream is `lost`. Without an open stream it resolves at once.
   */
  stop() {
    const stream = this.#stream;
    if (!stream) return Promise.resolve();
    if (!stream.stopping) {
      stream.addEnd();
      this.#pump();
    }
    return stream.result.promise;
  }

  /** Give the stream up without waiting for its last words. The connection is made anew. */
  abandon() {
    if (!this.#stream) return;
    this.#endStream(new EarshotError('abandoned', 'The stream was given up before its last words.'));
    this.#renew();
  }

  #chunkLimit() {
    const limit = this.#welcome?.limits?.max_chunk;
    const most = Number.isFinite(limit) && limit >= 2 ? Math.min(limit, DEFAULTS.maxChunk) : DEFAULTS.maxChunk;
    return most - (most % 2);
  }

  // ---- the stream on this connection

  #begin() {
    const { sampleRate, language, partials, room } = this.#stream.settings;
    const payload = { sample_rate: sampleRate, format: 'pcm16', partials, resumable: true };
    if (language) payload.language = language;
    if (room !== undefined) payload.room = room;
    this.#connection.say('audio.start', payload);
    this.#stream.up = true;
    this.#pump();
  }

  /** Send what is kept and was not sent here, as far as the socket takes it. */
  #pump() {
    const stream = this.#stream;
    while (stream?.up && this.state === 'open' && this.bufferedAmount < this.#options.maxBuffered) {
      const frame = stream.kept.next();
      if (!frame) return;
      if (frame.bytes) this.#connection.sendBytes(frame.bytes);
      else if (frame.end) this.#connection.say('audio.stop', {});
      else this.#connection.say('audio.mark', { id: frame.mark });
    }
  }

  /** The server greets again: go on where the stream was, or begin anew with what is kept. */
  #goOn(resumed) {
    const stream = this.#stream;
    if (!stream || stream.up) return;
    if (!resumed) stream.beginAnew();
    this.#begin();
  }

  /** There is another connection, or will be. */
  #interrupt() {
    this.#rooms.lost();
    const stream = this.#stream;
    if (!stream) return;
    stream.interrupt();
    for (const id of stream.takeReached()) emit(this, 'marked', { id });
    if (stream.finished) this.#finish();
  }

  // ---- the connection

  #lose({ code, reason, final }) {
    this.#interrupt();
    if (!final) return;
    const cause = reason || `closed with ${code}`;
    this.#endStream(new EarshotError('connection_lost', `The connection broke before the last words (${cause}).`));
    const message = `The server at ${this.#connection.url} closed the connection (${code}).`;
    const error = new EarshotError('not_connected', message);
    this.#rooms.end(error);
    this.#opened?.reject(error);
    this.#opened = null;
  }

  #renew() {
    this.#interrupt();
    this.#connection.renew();
  }

  #endStream(error) {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = null;
    stream.result.reject(error);
    stream.wake();
    emit(this, 'lost', { progress: stream.progress(), error });
  }

  /** Whoever closes the page has left the room; whoever comes back to it through the history is back. */
  #watchPage() {
    const { page } = this.#options;
    const watched = {
      online: () => this.retryNow(),
      pagehide: () => {
        this.#rooms.sayGoodbye();
        this.#connection.sleep('the page was left');
      },
      pageshow: ({ persisted }) => persisted && this.#connection.wake(),
    };
    for (const [type, act] of Object.entries(watched)) page?.addEventListener(type, act);
    return () => {
      for (const [type, act] of Object.entries(watched)) page?.removeEventListener(type, act);
    };
  }

  // ---- what the server says

  #hear(type, payload) {
    const handler = Earshot.#handlers[type];
    if (handler) handler.call(this, payload); // a type from a later version is none of our business
    else if (String(type).startsWith('room.')) this.#rooms.hear(type, payload);
  }

  static #onWelcome(payload) {
    this.#welcome = payload;
    // Before anybody else says anything: session.resume comes first, and audio.start only after its answer.
    const resumes = this.#rooms.greet(payload, this.#stream?.resumption() ?? null);
    this.#connection.opened();
    if (!resumes) this.#goOn(false);
    this.#opened?.resolve(payload);
    emit(this, 'welcome', payload);
  }

  static #onWanted() {
    if (this.#options.token) return; // it is on its way
    emit(this, 'error', new EarshotError('unauthorized', 'The server asks who you are, and there is no token.'));
    this.#connection.close('no token');
  }

  static #onAuthenticated({ token }) {
    if (token) this.#rooms.renew(token);
  }

  static #onStarted({ stream: name }) {
    if (this.#stream) this.#stream.name = name ?? null;
  }

  static #onAck(payload) {
    const ack = this.#stream?.place(payload) ?? payload;
    this.#stream?.acknowledge(ack.seq);
    this.#pump();
    emit(this, 'ack', ack);
  }

  static #onTranscript(payload) {
    const words = this.#stream?.place(payload) ?? payload;
    if (words.final && this.#stream?.commit(words) === false) return; // said before the connection broke
    emit(this, words.final ? 'transcript' : 'partial', words);
  }

  static #onCommitted(payload) {
    this.#stream?.commit(this.#stream.place(payload));
  }

  static #onMarked(payload) {
    this.#stream?.marked(payload.id);
    emit(this, 'marked', payload);
  }

  static #onDone() {
    this.#finish();
  }

  #finish() {
    const stream = this.#stream;
    this.#stream = null;
    stream?.wake();
    emit(this, 'done', { asked: stream?.asked ?? false });
    stream?.result.resolve();
  }

  static #onStatus(payload) {
    emit(this, 'status', payload);
    if (payload.state === 'draining') this.#connection.move(); // it goes down: on to the next
  }

  static #onResumed(payload) {
    this.#rooms.resumed(payload);
    this.#goOn(payload.ok === true && payload.next_seq !== undefined);
  }

  static #onError(payload) {
    const { code = 'error', message = 'The server reported an error.', ref } = payload;
    const error = new EarshotError(code, message, ref, payload);
    const known = this.#rooms.fail(error); // whoever asked the room hears of it
    if (ref === 'session.resume') this.#goOn(false);
    if (known) return;
    if (code === 'overrun' && this.#stream) return this.#renew(); // a chunk was not taken: all that is kept goes again
    // Chunks that were on their way when the server ended the stream; `done` or `lost` tells what became of it.
    if (code === 'not_streaming' && this.#stream && !this.#stream.asked) {
      this.#stream.takeNoMore();
      return;
    }
    emit(this, 'error', error);
    if (ref === 'audio.start') this.#endStream(error); // it never began
  }

  /** What is understood; without a prototype, for the key comes from outside. */
  static #handlers = Object.assign(Object.create(null), {
    welcome: Earshot.#onWelcome,
    ack: Earshot.#onAck,
    transcript: Earshot.#onTranscript,
    'audio.started': Earshot.#onStarted,
    'audio.committed': Earshot.#onCommitted,
    'audio.done': Earshot.#onDone,
    'audio.marked': Earshot.#onMarked,
    status: Earshot.#onStatus,
    'session.wanted': Earshot.#onWanted,
    'session.authenticated': Earshot.#onAuthenticated,
    'session.resumed': Earshot.#onResumed,
    error: Earshot.#onError,
  });
}

function bytesOf(audio) {
  if (audio instanceof ArrayBuffer) return new Uint8Array(audio);
  if (audio instanceof Int16Array) return new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
  throw new TypeError('send() takes an Int16Array or an ArrayBuffer of PCM16 samples');
}

function pageItself() {
  return typeof globalThis.addEventListener === 'function' ? globalThis : null;
}

function defaultUrl() {
  const url = new URL('../ws', import.meta.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
