/**
 * Messages said and not yet confirmed, in their order. Each has a `msg_id`, under which it is said again until the
 * server confirms it; the server takes each id once. No sockets, no clock.
 */

import { EarshotError } from './errors.js';
import { deferred } from './events.js';

const WAITING = 1024;

export class Outbox {
  #messages = []; // { msgId, text, sent, result }

  get size() {
    return this.#messages.length;
  }

  /** @returns {Promise<{rseq: number, msg_id: string}>} */
  put(text, msgId) {
    const known = this.#messages.find((message) => message.msgId === msgId);
    if (known) return known.result.promise;
    if (this.#messages.length >= WAITING) {
      const words = `${WAITING} messages of this room wait to be confirmed; this one was not taken.`;
      return Promise.reject(new EarshotError('too_many_pending', words));
    }
    const message = { msgId, text, sent: false, result: deferred() };
    this.#messages.push(message);
    return message.result.promise;
  }

  /** The next one to send, or undefined. */
  get next() {
    return this.#messages.find((message) => !message.sent);
  }

  /** How many are sent and not confirmed. */
  get underWay() {
    return this.#messages.filter((message) => message.sent).length;
  }

  /** Nothing counts as sent any more. */
  rewind() {
    for (const message of this.#messages) message.sent = false;
  }

  /** @returns {boolean} was it there? */
  confirm(msgId, rseq) {
    return this.#take((message) => message.msgId === msgId, ({ result }) => result.resolve({ rseq, msg_id: msgId }));
  }

  /** @returns {boolean} was it there? */
  refuse(msgId, error) {
    return this.#take((message) => message.msgId === msgId, ({ result }) => result.reject(error));
  }

  /** Of what was sent nobody knows whether it was taken. */
  doubt() {
    const words = 'It cannot be found out whether this message was said.';
    this.#take((message) => message.sent, ({ result }) => result.reject(new EarshotError('unconfirmed', words)));
  }

  /** What was never sent is not going to be. */
  dropUnsent(error) {
    this.#take((message) => !message.sent, ({ result }) => result.reject(error));
  }

  #take(which, act) {
    const taken = this.#messages.filter(which);
    this.#messages = this.#messages.filter((message) => !which(message));
    taken.forEach(act);
    return taken.length > 0;
  }
}
