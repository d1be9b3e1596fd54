/**
 * A room, as who is in it sees it. Earshot.join() makes it.
 *
 *     const room = await earshot.join('lobby', { name: 'Ann' });
 *     room.on('message', ({ name, text }) => append(name, text));
 *     room.on('caption', ({ name, text }) => append(name, text)); // spoken, and final
 *     room.on('partial', ({ member, stream, text }) => show(member, stream, text)); // may still change
 *     await room.say('hello'); // it is stored, and everybody gets it once
 *
 * Events with a number (`rseq`) come in its order, each once, through every reconnect; what cannot come is told by `gap`
 * in its place. The first of them come after the code that follows `await join()` has run, so nothing is missed.
 *
 *   message   { rseq, time, member, name, text, msg_id, own }
 *   caption   { rseq, time, member, name, text, stream, start_ms, end_ms, own }
 *   partial   { member, name, text, stream, start_ms, end_ms, own }   replaces the last one of that member and stream,
 *                                                                     and is replaced by its caption
 *   joined    { rseq, time, member, name, own }
 *   left      { rseq, time, member, name, own }
 *   gap       { from, to, reason }        these numbers will not come: they are gone, or left out (`hole`); or the room
 *                                         has another log (`other_log`, from and to are null)
 *   live      {}                          all that was there on entering has come; what follows is new
 *   members   { members, total }          after every change
 *   state     { state, … }                joined { resumed, history }: let in (again); resumed is false where it came back
 *                                         as another member. rejoining: the connection is lost, being made anew.
 *                                         left { error? }: over; error says why, unless it was leave()
 *   unavailable  EarshotError             the room does not answer at present; what was asked is tried on
 *   available    {}                       it answers again
 *
 * `member` names a person through reconnects, `own` says that it is oneself.
 */

import { EarshotError } from './errors.js';
import { emit, Emitter } from './events.js';

const TEXT_BYTES = 2048;
const NAME_BYTES = 64;
const encoder = new TextEncoder();

export class Room extends Emitter {
  #membership;
  #held = []; // until whoever joined had the chance to listen

  /** Not for callers: Earshot.join() makes rooms. */
  constructor(membership) {
    super();
    this.#membership = membership;
    membership.tell = (type, detail) => (this.#held ? this.#held.push([type, detail]) : emit(this, type, detail));
    membership.entered.promise.then(() => setTimeout(() => this.#release(), 0), () => {});
  }

  get id() {
    return this.#membership.id;
  }

  get name() {
    return this.#membership.name;
  }

  /** joined | rejoining | left */
  get state() {
    return this.#membership.state;
  }

  /** Oneself, as others see one in `member`. */
  get member() {
    return this.#membership.member;
  }

  /** Who is here: [{ member, name }], a thousand at most. */
  get members() {
    return this.#membership.roster.list;
  }

  /** How many are here. */
  get total() {
    return this.#membership.roster.total;
  }

  /** Where it began: { from, complete }: the first event that came, and whether none before it is missing. */
  get opening() {
    return this.#membership.opening;
  }

  /** What is needed to go on from here later: join(id, { name, ...position }). { since, log } */
  get position() {
    return this.#membership.follower.position;
  }

  /**
   * Say something. While there is no connection it waits; it is said again until it is confirmed.
   * @param {string} text 1 to 2048 bytes; line feeds and tabs are allowed
   * @param {{msgId?: string}} [more] an id of one's own, which comes back in the event; the same id is the same message
   * @returns {Promise<{rseq: number, msg_id: string}>} it is stored and everybody gets it once. Rejects with what the
   *   server has against it, with `unconfirmed` where nobody can know whether it was said, `not_in_room`,
   *   `too_many_pending` (1024 wait) or `bad_text`
   */
  say(text, { msgId = messageId() } = {}) {
    const trouble = troubleWith('text', text, TEXT_BYTES, /[^\P{Cc}\n\t]/u);
    return trouble ? Promise.reject(trouble) : this.#membership.say(text, msgId);
  }

  /**
   * What was said before.
   * @param {{before?: number, limit?: number}} [which] events before this rseq, at most 100 (50)
   * @returns {Promise<{events: object[], from: number, to: number, complete: boolean}>} events as above, with their
   *   `type`; complete: there is none before them. None at all and not complete: the older ones are gone
   */
  history({ before, limit = 50 } = {}) {
    return this.#membership.askHistory(before === undefined ? { limit } : { before, limit });
  }

  /** @returns {Promise<{members: object[], total: number}>} who is here, fresh from the server */
  who() {
    return this.#membership.askWho();
  }

  /** @returns {Promise<void>} when it is left. Nothing more is said; what is under way may still be. */
  leave() {
    return this.#membership.leave();
  }

  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const [type, detail] of held) emit(this, type, detail);
  }
}

/** A new id for say(). */
export function messageId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @returns {EarshotError|null} what is wrong with this name of a room or of a person */
export function troubleWithName(what, value) {
  return troubleWith(what, value, NAME_BYTES, /\p{Cc}/u);
}

function troubleWith(what, value, most, forbidden) {
  const bytes = typeof value === 'string' ? encoder.encode(value).length : 0;
  if (bytes >= 1 && bytes <= most && !forbidden.test(value) && !/\p{Cs}/u.test(value)) return null;
  const words = `The ${what} has ${bytes} bytes; 1 to ${most} are allowed, without control characters.`;
  return new EarshotError(`bad_${what}`, words);
}
