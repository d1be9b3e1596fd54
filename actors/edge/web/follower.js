/**
 * Where a member is in the log of a room. Events are numbered by one; this says of each whether it is the next, and
 * of every way in which one can be missing, that it is. No sockets, no clock.
 *
 * A gap is { from, to, reason }: the numbers that will not come, and why.
 *   gone        the server has them no more, or gave them up
 *   other_log   the room has a new log (its store was lost): what was said at the end of the old one is not known;
 *               from and to are null
 *   hole        the server left numbers out without a word
 */

export class Follower {
  log = null; // in which the numbers count
  rseq = null; // the last one delivered or given up
  #goal = 0; // the last one when the room was entered: up to there it is history

  /** @param {{since?: number, log?: string}} [known] of an earlier visit */
  constructor({ since, log } = {}) {
    if (since === undefined || log === undefined) return;
    this.rseq = since;
    this.log = log;
  }

  /** What to join with, so that nothing comes twice. */
  get position() {
    return this.log === null ? {} : { since: this.rseq, log: this.log };
  }

  /** Everything that was there on entering has come. */
  get caughtUp() {
    return this.rseq >= this.#goal;
  }

  /** The room was entered: what follows begins at `history.from`. @returns {object|null} a gap */
  begin({ log, rseq, history }) {
    const from = history?.from ?? rseq + 1;
    const [before, expected] = [this.log, this.rseq + 1];
    this.log = log;
    this.#goal = rseq;
    if (before === log && from <= expected) return null;
    this.rseq = from - 1;
    if (before === null) return null; // it begins where the server lets it begin
    return before === log ? { from: expected, to: from - 1, reason: 'gone' } : { from: null, to: null, reason: 'other_log' };
  }

  /** An event has come. @returns {{fresh: boolean, gap: object|null}} */
  take(rseq) {
    if (!(rseq > this.rseq)) return { fresh: false, gap: null };
    const gap = rseq > this.rseq + 1 ? { from: this.rseq + 1, to: rseq - 1, reason: 'hole' } : null;
    this.rseq = rseq;
    return { fresh: true, gap };
  }

  /** Does the server say with this `room.history` that the next events are lost? Else it answers a question. */
  isLoss({ events, from, to }) {
    return events?.length === 0 && from <= this.rseq + 1 && to > this.rseq;
  }

  /** @returns {object} the gap */
  lose({ to }) {
    const gap = { from: this.rseq + 1, to, reason: 'gone' };
    this.rseq = to;
    return gap;
  }
}
