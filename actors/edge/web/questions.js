/**
 * Questions of one kind, one under way at a time, for answers carry no number. What is not answered when the
 * connection breaks is asked again on the next one.
 */

import { deferred } from './events.js';

export class Questions {
  #waiting = []; // { payload, result }
  #asked = false; // the first of them
  #ask;

  /** @param {(payload: object) => boolean} ask false: not now */
  constructor(ask) {
    this.#ask = ask;
  }

  put(payload) {
    const result = deferred();
    this.#waiting.push({ payload, result });
    this.go();
    return result.promise;
  }

  /** Ask the next one, if none is under way. */
  go() {
    const [first] = this.#waiting;
    if (first && !this.#asked) this.#asked = this.#ask(first.payload);
  }

  again() {
    this.#asked = false;
    this.go();
  }

  /** @returns {boolean} was there a question under way? */
  answer(value) {
    return this.#settle(({ result }) => result.resolve(value));
  }

  /** @returns {boolean} was there a question under way? */
  refuse(error) {
    return this.#settle(({ result }) => result.reject(error));
  }

  refuseAll(error) {
    this.#asked = false;
    for (const { result } of this.#waiting.splice(0)) result.reject(error);
  }

  #settle(act) {
    if (!this.#asked) return false;
    this.#asked = false;
    act(this.#waiting.shift());
    this.go();
    return true;
  }
}
