/**
 * The rooms of one client: which message belongs to which, and how all of them come back after a reconnect.
 *
 *   welcome  ->  session.resume {token}, room.join {since, log} for each  ->  session.resumed, room.joined for each
 */

import { EarshotError } from './errors.js';
import { Membership } from './membership.js';
import { Pace } from './pace.js';
import { Room, troubleWithName } from './room.js';

const LIMITS = { max_pending: 64, say_rate: 100, say_burst: 400 }; // of a server that does not tell
const MARGIN = 0.9; // its clock is another one

export class Rooms {
  #memberships = new Map(); // by id of the room
  #connection;
  #ready = false; // the server has greeted on this connection
  #offered = null; // its session and token, while the resumption of an earlier one is under way
  #session = null;
  #token = null;
  #most; // messages sent and not confirmed
  #pace;
  #onResumed;

  /** @param {Connection} connection @param {(detail: object) => void} onResumed */
  constructor(connection, onResumed) {
    this.#connection = connection;
    this.#onResumed = onResumed;
  }

  get session() {
    return this.#session;
  }

  /** Is this client in the room, on this connection? */
  has(id) {
    return this.#memberships.get(id)?.state === 'joined';
  }

  async join(id, { name, since, log, signal }) {
    const trouble = troubleWithName('room', id) ?? troubleWithName('name', name);
    if (trouble) throw trouble;
    for (let old; (old = this.#memberships.get(id)); ) {
      if (!old.departed) throw new EarshotError('already_in_room', `The room ${id} is joined already.`);
      await old.departed.promise;
    }
    const membership = new Membership({ id, name, since, log }, this.#line(id));
    const room = new Room(membership);
    this.#memberships.set(id, membership);
    signal?.addEventListener('abort', () => membership.leave());
    if (this.#ready) membership.join();
    await membership.entered.promise;
    return room;
  }

  #line(id) {
    return {
      say: (type, payload) => this.#connection.say(type, payload),
      ready: () => this.#ready,
      turn: () => this.#turn(),
      confirmed: () => this.#goOn(id),
      ended: () => this.#memberships.delete(id),
    };
  }

  /** Whoever stays below what the server takes keeps the order of what it says. */
  #turn() {
    let underWay = 0;
    this.#each((membership) => (underWay += membership.underWay));
    return underWay < this.#most ? this.#pace.take(Date.now()) : null;
  }

  /** A message of this room is confirmed: there is place for another, of another room first. */
  #goOn(id) {
    this.#each((membership) => membership.id !== id && membership.flush());
    this.#memberships.get(id)?.flush();
  }

  #each(act) {
    for (const membership of [...this.#memberships.values()]) act(membership);
  }

  // ---- one connection after another

  /**
   * First of all on a connection.
   * @param {object|null} stream what session.resume is to say of an open stream
   * @returns {boolean} is the session resumed? Then resumed() follows
   */
  greet({ session, token, limits }, stream) {
    this.#ready = true;
    this.#keepTo({ ...LIMITS, ...limits });
    const resumes = Boolean(this.#token) && (this.#memberships.size > 0 || stream !== null);
    if (resumes) {
      this.#offered = { session, token };
      this.#connection.say('session.resume', { token: this.#token, ...stream });
    } else this.#adopt({ session, token });
    this.#each((membership) => membership.join());
    return resumes;
  }

  #keepTo({ max_pending: most, say_rate: rate, say_burst: burst }) {
    this.#most = most;
    this.#pace = new Pace({ perSecond: rate ? rate * MARGIN : Infinity, burst: Math.max(1, burst * MARGIN) });
  }

  /** The answer to session.resume. @returns {boolean} was it awaited? */
  resumed({ ok, session, token, reason }) {
    if (!this.#offered) return false;
    this.#adopt(ok ? { session, token } : this.#offered);
    this.#onResumed({ ok: ok === true, session: this.#session, reason });
    return true;
  }

  /** The session of this connection has another token now. */
  renew(token) {
    if (this.#offered) this.#offered.token = token;
    else this.#token = token;
  }

  #adopt({ session, token }) {
    this.#offered = null;
    this.#session = session;
    this.#token = token;
  }

  lost() {
    this.#ready = false;
    this.#offered = null;
    this.#each((membership) => membership.lost());
  }

  /** So that others need not wait until it is noticed that this client is gone. */
  sayGoodbye() {
    if (!this.#ready) return;
    for (const id of this.#memberships.keys()) this.#connection.say('room.leave', { room: id });
  }

  end(error) {
    this.#each((membership) => membership.end(error));
  }

  // ---- what the server says

  hear(type, payload) {
    this.#memberships.get(payload.room)?.hear(type, payload);
  }

  /** @returns {boolean} is this error of the server dealt with? */
  fail(error) {
    if (error.ref === 'session.resume') return this.resumed({ ok: false, reason: error.message });
    const known = this.#memberships.get(error.room);
    if (known) return known.fail(error);
    return error.ref?.startsWith('room.') && [...this.#memberships.values()].some((membership) => membership.fail(error));
  }
}
