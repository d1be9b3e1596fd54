/**
 * The frames of a stream that are kept until their words are final: chunks, marks, and the end, with the seq of the stream,
 * 1, 2, 3 … Whatever connection there is takes them from the oldest that is kept.
 *
 *     committed | sent on this connection | not sent on it yet
 */

export class KeptFrames {
  #frames = []; // { bytes } or { mark } or { end: true }, and total: bytes of audio up to its end
  #sent = 0; // of these
  #committed = 0;
  #committedTotal = 0;
  #total = 0;

  /** The last frame that is forgotten. */
  get committed() {
    return this.#committed;
  }

  /** Bytes of audio that are kept. */
  get bytes() {
    return this.#total - this.#committedTotal;
  }

  /** Bytes of audio that were ever added. */
  get total() {
    return this.#total;
  }

  /** @param {{bytes?: Uint8Array, mark?: string, end?: boolean}} frame @returns {number} its seq */
  add(frame) {
    this.#total += frame.bytes?.byteLength ?? 0;
    this.#frames.push({ ...frame, total: this.#total });
    return this.#committed + this.#frames.length;
  }

  /** The next frame for this connection, or null; taken. */
  next() {
    return this.#frames[this.#sent] ? this.#frames[this.#sent++] : null;
  }

  /** Another connection: all that is kept is to be sent again. */
  rewind() {
    this.#sent = 0;
  }

  /** Forget the frames up to seq. */
  commit(seq) {
    const gone = this.#frames.splice(0, Math.max(0, seq - this.#committed));
    if (gone.length === 0) return;
    this.#committed += gone.length;
    this.#committedTotal = gone.at(-1).total;
    this.#sent = Math.max(0, this.#sent - gone.length);
  }

  /** Bytes of audio up to the end of a frame. */
  totalAt(seq) {
    if (seq <= this.#committed) return this.#committedTotal;
    return this.#frames[seq - this.#committed - 1]?.total ?? this.#total;
  }
}
