/**
 * What it takes to stay in a room: the protocol behind a Room, through every connection.
 *
 *   joining ──let in──> joined <──let in── rejoining
 *      │                 │  └── connection breaks ──^
 *      └──refused──> left <── leave(), or refused
 *
 * Each time it is let in, the server brings what was missed. Only once that has come is anything said (again), for a
 * message that is not confirmed may be among it. What is among it was said; what is not is said under the same
 * msg_id, so that the server takes it once. Where part of what was missed is gone and the session is another one,
 * neither helps: then nobody knows, and say() rejects with `unconfirmed`.
 */

import { EarshotError } from './errors.js';
import { deferred } from './events.js';
import { Follower } from './follower.js';
import { Outbox } from './outbox.js';
import { Questions } from './questions.js';
import { Roster } from './roster.js';

const REMEMBERED_MS = 55 * 60_000; // the server knows an id of a session for an hour
const AGAIN_MS = 1000; // after it had enough for now
const ENOUGH = new Set(['rate_limited', 'too_many_pending']);
const KINDS = { 'room.joined': 'joined', 'room.left': 'left', 'room.message': 'message', 'room.caption': 'caption' };

export class Membership {
  id;
  name;
  state = 'joining';
  member = null; // the own session, by which others know this member
  opening = null; // of the first time it was let in: { from, complete }
  roster = new Roster();
  follower;
  entered = deferred();
  departed = null; // deferred of leave()
  tell = () => {}; // (type, detail): what is to be heard outside
  #line;
  #outbox = new Outbox();
  #selves = new Set(); // sessions under which it was here
  #live = false; // let in, and what was missed has come
  #doubtful = false; // some of what was missed is gone
  #resumed = true; // let in again as the same session
  #lostAt = 0;
  #unavailable = false;
  #paused = false; // the server had enough for now
  #again; // timer
  #spoken = new Map(); // a speaker's stream to where its last caption ended
  #histories = new Questions((payload) => this.#ask('room.history', payload));
  #whos = new Questions((payload) => this.#ask('room.who', payload));

  /**
   * @param {object} line say(type, payload), ready(): bool, ended(); turn(): ms until a message may be said, null: not
   *   before another is confirmed; confirmed(): one is
   */
  constructor({ id, name, since, log }, line) {
    this.id = id;
    this.name = name;
    this.follower = new Follower({ since, log });
    this.#line = line;
  }

  /** Ask to be let in: on each connection. */
  join() {
    this.#line.say('room.join', { room: this.id, name: this.name, ...this.follower.position });
  }

  say(text, msgId) {
    if (this.state === 'left' || this.departed) return Promise.reject(leftError(this.id));
    const said = this.#outbox.put(text, msgId);
    this.flush();
    return said;
  }

  /** How many messages are sent and not confirmed. */
  get underWay() {
    return this.#outbox.underWay;
  }

  askHistory(payload) {
    return this.state === 'left' ? Promise.reject(leftError(this.id)) : this.#histories.put(payload);
  }

  askWho() {
    return this.state === 'left' ? Promise.reject(leftError(this.id)) : this.#whos.put({});
  }

  leave() {
    if (this.departed) return this.departed.promise;
    this.departed = deferred();
    this.#outbox.dropUnsent(leftError(this.id));
    if (this.state === 'left' || !this.#line.ready()) this.end(leftError(this.id));
    else this.#line.say('room.leave', { room: this.id });
    return this.departed.promise;
  }

  /** The connection broke. */
  lost() {
    clearTimeout(this.#again);
    this.#live = this.#paused = false;
    if (this.departed) return this.end(leftError(this.id));
    if (this.state !== 'joined') return undefined;
    this.#lostAt = Date.now();
    return this.#become('rejoining', {});
  }

  /** It is over. */
  end(error) {
    if (this.state !== 'left') {
      clearTimeout(this.#again);
      this.#live = false;
      this.#outbox.doubt();
      this.#outbox.dropUnsent(error);
      this.#histories.refuseAll(error);
      this.#whos.refuseAll(error);
      this.entered.reject(error);
      this.#line.ended();
      this.#become('left', this.departed ? {} : { error });
    }
    this.departed?.resolve();
  }

  isSelf(member) {
    return this.#selves.has(member);
  }

  // ---- what the server says

  hear(type, payload) {
    if (this.#unavailable) this.tell('available', {});
    this.#unavailable = false;
    if (this.state === 'joined') Membership.#heard[type]?.(this, payload, type);
    else if (type === 'room.joined' && payload.members) this.#letIn(payload);
    else if (type === 'room.left') this.#depart(payload);
  }

  /** What is understood; without a prototype, for the key comes from outside. */
  static #heard = Object.assign(Object.create(null), {
    'room.joined': (self, payload, type) => (payload.members ? self.#enter(payload) : self.#onEvent(payload, type)),
    'room.left': (self, payload, type) => self.#depart(payload) || self.#onEvent(payload, type),
    'room.message': (self, payload, type) => self.#onEvent(payload, type),
    'room.caption': (self, payload, type) => (payload.final ? self.#onEvent(payload, type) : self.#onPartial(payload)),
    'room.said': (self, payload) => self.#confirm(payload),
    'room.history': (self, payload) => self.#onHistory(payload),
    'room.members': (self, payload) => self.#onMembers(payload),
  });

  #letIn(answer) {
    this.#doubtful = false;
    this.#resumed = this.state === 'joining' || this.#selves.has(answer.member);
    this.#enter(answer);
    this.entered.resolve();
    this.#histories.again();
    this.#whos.again();
    this.#catchUp();
  }

  /** Into the log, or into another one. */
  #enter(answer) {
    this.member = answer.member;
    this.#selves.add(answer.member);
    this.opening ??= { from: 1, complete: true, ...answer.history };
    const gap = this.follower.begin(answer);
    this.roster.reset(answer);
    this.#become('joined', { resumed: this.#resumed, history: answer.history });
    this.#tellMembers();
    if (gap) this.#miss(gap);
  }

  /** The answer to leave(), or a dismissal: the one `room.left` of oneself without a number. */
  #depart({ member, rseq }) {
    if (member !== this.member || (!this.departed && rseq !== undefined)) return false;
    this.end(leftError(this.id));
    return true;
  }

  #onEvent(payload, type) {
    const { fresh, gap } = this.follower.take(payload.rseq);
    if (gap) this.#miss(gap);
    if (fresh) this.#deliver(KINDS[type], this.#own(payload));
    this.#catchUp();
  }

  #deliver(kind, event) {
    if (event.own && kind === 'message') this.#confirm(event);
    if (kind === 'caption') this.#spoken.set(voice(event), event.end_ms);
    if (kind === 'left') this.#forgetVoice(event.member);
    this.tell(kind, event);
    if (this.roster.apply(kind, event)) this.#tellMembers();
  }

  #onPartial(payload) {
    const overtaken = payload.end_ms <= (this.#spoken.get(voice(payload)) ?? -1); // by its final
    if (!overtaken) this.tell('partial', this.#own(payload));
  }

  #confirm({ msg_id: msgId, rseq }) {
    if (this.#outbox.confirm(msgId, rseq)) this.#line.confirmed();
  }

  #onHistory(payload) {
    if (this.follower.isLoss(payload)) {
      this.#miss(this.follower.lose(payload));
      this.#catchUp();
    } else this.#histories.answer(this.#page(payload));
  }

  #onMembers(payload) {
    this.roster.reset(payload);
    this.#whos.answer({ members: this.roster.list, total: this.roster.total });
    this.#tellMembers();
  }

  /** @returns {boolean} is this error of the server dealt with? */
  fail(error) {
    if (error.code === 'room_unavailable') return this.#missActor(error);
    return Membership.#refused[error.ref]?.(this, error) ?? false;
  }

  static #refused = Object.assign(Object.create(null), {
    'room.join': (self, error) => self.state !== 'joined' && self.#refuseJoin(error),
    'room.leave': (self, error) => self.departed !== null && (self.end(error), true),
    'room.history': (self, error) => self.#histories.refuse(error),
    'room.who': (self, error) => self.#whos.refuse(error),
    'room.say': (self, error) => self.#refuseSay(error),
  });

  #missActor(error) {
    this.#unavailable = true;
    this.tell('unavailable', error);
    return this.state !== 'joining'; // then nobody has the room yet
  }

  #refuseJoin(error) {
    if (ENOUGH.has(error.code)) this.#later(() => this.join());
    else this.end(error);
    return true;
  }

  #refuseSay(error) {
    if (!ENOUGH.has(error.code)) return this.#outbox.refuse(error.msgId, error);
    this.#outbox.rewind();
    this.#paused = true;
    this.#later(() => {
      this.#paused = false;
      this.flush();
    });
    return true;
  }

  // ---- saying

  /** Say what may be said by now. */
  flush() {
    for (let message; this.#live && !this.#paused && (message = this.#outbox.next); ) {
      const wait = this.#line.turn();
      if (wait === null) return undefined;
      if (wait) return this.#later(() => this.flush(), wait);
      message.sent = true;
      this.#line.say('room.say', { room: this.id, text: message.text, msg_id: message.msgId });
    }
    return undefined;
  }

  /** Is everything there that was missed? Then what is not confirmed can be said again. */
  #catchUp() {
    if (this.#live || !this.follower.caughtUp) return;
    this.#live = true;
    const remembered = this.#resumed && Date.now() - this.#lostAt < REMEMBERED_MS;
    if (this.#doubtful && !remembered) this.#outbox.doubt();
    this.#outbox.rewind();
    this.tell('live', {});
    this.flush();
  }

  // ---- small things

  #later(act, ms = AGAIN_MS) {
    clearTimeout(this.#again);
    this.#again = setTimeout(act, ms);
  }

  #miss(gap) {
    this.#doubtful = true;
    this.tell('gap', gap);
  }

  #ask(type, payload) {
    if (this.state !== 'joined') return false;
    this.#line.say(type, { room: this.id, ...payload });
    return true;
  }

  #page({ events = [], from, to, complete }) {
    const named = events.map(({ type, ...event }) => ({ type: KINDS[type] ?? type, ...this.#own(event) }));
    return { events: named, from, to, complete };
  }

  #own(event) {
    return { ...event, own: this.isSelf(event.member) };
  }

  #forgetVoice(member) {
    for (const key of this.#spoken.keys()) if (key.startsWith(`${member}/`)) this.#spoken.delete(key);
  }

  #tellMembers() {
    this.tell('members', { members: this.roster.list, total: this.roster.total });
  }

  #become(state, more) {
    this.state = state;
    this.tell('state', { state, ...more });
  }
}

function voice({ member, stream }) {
  return `${member}/${stream}`;
}

function leftError(id) {
  return new EarshotError('not_in_room', `The room ${id} was left.`);
}
