/**
 * One stream of audio, as its sender sees it, through any number of connections: what of it is kept, taken and committed,
 * and where it goes on. Where a server could not take it over, a new stream begins there at its 1 and at its 0 ms; what was
 * before is added, so that frames and times stay on one clock.
 */

import { deferred } from './events.js';
import { KeptFrames } from './kept-frames.js';

const CLOCK = 16; // samples of the server's clock in a millisecond

export class AudioStream {
  /** @param {{sampleRate: number}} settings @param {number} keepMs of audio that may be kept */
  constructor(settings, keepMs) {
    this.settings = settings;
    this.kept = new KeptFrames();
    this.keepBytes = this.#bytes(keepMs);
    this.ackedBytes = 0;
    this.committedMs = 0;
    this.up = false; // the server takes its frames on this connection
    this.stopping = false; // no audio is taken any more
    this.asked = false; // because stop() was called
    this.full = false; // and the caller was told
    this.result = deferred();
    this.waiters = [];
    this.name = null; // at the server
    this.position = 0;
    this.checkpoint = undefined;
    this.base = { seq: 0, position: 0 }; // where the server's stream begins in this one
    this.marks = []; // { id, seq } not yet told
  }

  get unackedBytes() {
    return this.kept.total - this.ackedBytes;
  }

  /** Is everything committed, the end as well? Then only the word of it did not come. */
  get finished() {
    return this.endSeq !== undefined && this.kept.committed >= this.endSeq;
  }

  // ---- from the caller

  hasRoom(bytes) {
    return this.kept.bytes + bytes <= this.keepBytes;
  }

  /** Whoever can wait with more audio had better do so. */
  lags(windowBytes) {
    return this.unackedBytes >= windowBytes || this.kept.bytes > this.keepBytes / 2;
  }

  addMark(id) {
    this.marks.push({ id, seq: this.kept.add({ mark: id }) });
  }

  addEnd() {
    this.endSeq = this.kept.add({ end: true });
    this.asked = true;
    this.takeNoMore();
  }

  takeNoMore() {
    this.stopping = true;
    this.wake();
  }

  wake() {
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  // ---- from the server

  /** Frames and times of the server's stream become those of this one. */
  place(payload) {
    if (!this.base.seq) return payload;
    const placed = { ...payload };
    const ms = Math.floor(this.base.position / CLOCK);
    shift(placed, ['seq', 'from_seq', 'to_seq'], this.base.seq);
    shift(placed, ['position'], this.base.position);
    shift(placed, ['start_ms', 'end_ms'], ms);
    if (placed.words) placed.words = placed.words.map((word) => shift({ ...word }, ['start_ms', 'end_ms'], ms));
    return placed;
  }

  acknowledge(seq) {
    this.ackedBytes = Math.max(this.ackedBytes, this.kept.totalAt(seq));
    this.wake();
  }

  /** @returns {boolean} is it news? What is committed already may be said again. */
  commit({ to_seq, position, end_ms, checkpoint }) {
    if (!Number.isFinite(to_seq)) return true;
    if (to_seq <= this.kept.committed) return false;
    this.kept.commit(to_seq);
    this.position = position ?? this.position;
    this.checkpoint = checkpoint;
    if (Number.isFinite(end_ms)) this.committedMs = Math.max(this.committedMs, end_ms);
    if (this.kept.bytes <= this.keepBytes / 2) this.full = false;
    this.wake();
    return true;
  }

  marked(id) {
    const at = this.marks.findIndex((mark) => mark.id === id);
    if (at >= 0) this.marks.splice(at, 1);
  }

  // ---- from one connection to the next

  interrupt() {
    this.up = false;
    this.kept.rewind();
  }

  /** Marks that are reached although nobody could say so any more. @returns {string[]} */
  takeReached() {
    const reached = this.marks.filter(({ seq }) => seq <= this.kept.committed);
    this.marks = this.marks.filter(({ seq }) => seq > this.kept.committed);
    return reached.map(({ id }) => id);
  }

  /** What session.resume is to say of it, or null: it did not begin. */
  resumption() {
    if (this.name === null) return null;
    const { seq, position } = this.base;
    const said = { stream: this.name, committed: this.kept.committed - seq, position: this.position - position };
    return this.checkpoint ? { ...said, checkpoint: this.checkpoint } : said;
  }

  /** The server begins another stream with the next frame. */
  beginAnew() {
    this.name = null;
    this.checkpoint = undefined;
    this.base = { seq: this.kept.committed, position: this.position };
  }

  progress() {
    return {
      sentMs: this.#ms(this.kept.total),
      ackedMs: this.#ms(this.ackedBytes),
      committedMs: this.committedMs,
      committedSeq: this.kept.committed,
    };
  }

  #ms(bytes) {
    return (bytes / 2 / this.settings.sampleRate) * 1000;
  }

  #bytes(ms) {
    return Math.floor((ms / 1000) * this.settings.sampleRate) * 2;
  }
}

function shift(object, keys, amount) {
  for (const key of keys) if (Number.isFinite(object[key])) object[key] += amount;
  return object;
}
