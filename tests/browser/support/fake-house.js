/**
 * A server with rooms in the test's hand: what pages say on their WebSockets ends here, and it answers as PROTOCOL.md
 * 7.5 says. For what the real house does only when it breaks.
 */

export class FakeHouse {
  rooms = new Map(); // id to { log, events, floor, members: Map(session to name), sockets: Map(socket to session) }
  sockets = new Map(); // socket to { session }
  mute = false; // answer nothing to room.say
  deaf = false; // take nothing of room.say either
  refusal = null; // error to answer room.join with
  said = []; // types and payloads of all that pages said
  chunks = 0; // of audio
  ending = null; // sockets whose stream waits for its end; null: it ends at once
  #sessions = 0;

  /** Take the WebSockets of this page. */
  async serve(page) {
    await page.routeWebSocket('**/ws', (socket) => this.#greet(socket));
  }

  room(id) {
    if (!this.rooms.has(id)) this.rooms.set(id, { id, log: `log-${id}`, events: [], floor: 1, members: new Map(), sockets: new Map() });
    return this.rooms.get(id);
  }

  /** Something happens in a room, to everybody. @returns {object} the event */
  happen(id, type, fields) {
    const room = this.room(id);
    const event = { rseq: room.events.length + 1, time: Date.now(), ...fields };
    room.events.push([type, event]);
    for (const socket of room.sockets.keys()) this.say(socket, type, { room: id, ...event });
    return event;
  }

  /** Words so far, to everybody. */
  partial(id, fields) {
    for (const socket of this.room(id).sockets.keys()) this.say(socket, 'room.caption', { room: id, final: false, ...fields });
  }

  /** The streams that wait for it end. */
  endStreams() {
    for (const socket of this.ending.splice(0)) this.say(socket, 'audio.done', {});
  }

  /** How many connections there were. */
  get greeted() {
    return this.#sessions;
  }

  /** Every connection breaks. */
  breakAll() {
    for (const socket of [...this.sockets.keys()]) {
      this.#forget(socket);
      socket.close({ code: 1012, reason: 'as tests do' });
    }
  }

  say(socket, type, payload) {
    socket.send(JSON.stringify({ type, payload, timestamp: Date.now() }));
  }

  #greet(socket) {
    const session = `session-${++this.#sessions}`;
    this.sockets.set(socket, { session });
    socket.onMessage((data) => (typeof data === 'string' ? this.#hear(socket, JSON.parse(data)) : this.#hearChunk()));
    socket.onClose(() => this.#forget(socket));
    this.say(socket, 'welcome', { client_id: `${this.#sessions}`, session, token: session, limits: { max_rooms: 16 } });
  }

  #forget(socket) {
    this.sockets.delete(socket);
    for (const room of this.rooms.values()) room.sockets.delete(socket);
  }

  #hearChunk() {
    this.chunks += 1;
  }

  #hear(socket, { type, payload }) {
    this.said.push([type, payload]);
    const act = this.#acts[type];
    act?.(socket, payload, this.sockets.get(socket), payload.room === undefined ? null : this.room(payload.room));
  }

  #acts = {
    ping: (socket) => this.say(socket, 'pong', {}),
    'audio.stop': (socket) => (this.ending ? this.ending.push(socket) : this.say(socket, 'audio.done', {})),
    'session.resume': (socket, { token }, self) => {
      self.session = token;
      this.say(socket, 'session.resumed', { ok: true, session: token, token });
    },
    'room.join': (socket, payload, self, room) => this.#join(socket, payload, self, room),
    'room.leave': (socket, payload, { session }, room) => {
      const name = room.members.get(session);
      room.members.delete(session);
      room.sockets.delete(socket);
      const event = this.happen(room.id, 'room.left', { member: session, name });
      this.say(socket, 'room.left', { room: room.id, ...event });
    },
    'room.say': (socket, payload, self, room) => this.#say(socket, payload, self, room),
    'room.history': (socket, { before, limit = 50 }, self, room) => {
      const end = Math.min(before ?? Infinity, room.events.length + 1);
      const from = Math.max(end - limit, room.floor);
      const events = room.events.slice(from - 1, end - 1).map(([type, event]) => ({ type, ...event }));
      this.say(socket, 'room.history', { room: room.id, events, from: events.length ? from : end, to: end - 1, complete: from === 1 });
    },
    'room.who': (socket, payload, self, room) => this.say(socket, 'room.members', { room: room.id, rseq: room.events.length, ...listOf(room) }),
  };

  #join(socket, { name, since, log }, { session }, room) {
    if (this.refusal) return this.say(socket, 'error', { ...this.refusal, ref: 'room.join', room: room.id });
    if (!room.members.has(session)) {
      room.members.set(session, name);
      this.happen(room.id, 'room.joined', { member: session, name });
    }
    const last = room.events.length;
    const wanted = since !== undefined && log === room.log ? since + 1 : Math.max(1, last - 49);
    const from = Math.max(wanted, room.floor);
    const history = { from, complete: since === undefined ? room.floor === 1 : from === wanted };
    this.say(socket, 'room.joined', { room: room.id, log: room.log, rseq: last, member: session, name, ...listOf(room), history });
    for (const [type, event] of room.events.slice(from - 1)) this.say(socket, type, { room: room.id, ...event });
    return room.sockets.set(socket, session);
  }

  #say(socket, { text, msg_id }, { session }, room) {
    if (this.deaf) return;
    const known = room.events.find(([, event]) => event.member === session && event.msg_id === msg_id);
    const event = known?.[1] ?? this.happen(room.id, 'room.message', { member: session, name: room.members.get(session), text, msg_id });
    if (!this.mute) this.say(socket, 'room.said', { room: room.id, msg_id, rseq: event.rseq });
  }
}

function listOf(room) {
  const members = [...room.members].map(([member, name]) => ({ member, name }));
  return { members, total: members.length };
}
