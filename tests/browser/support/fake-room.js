/** A client of the library in a room whose server is the test: on a FakeSocket and a virtual clock. */

import { mock } from 'node:test';
import { FakeSocket, record, WELCOME } from './fake-socket.js';
import { importWeb } from './web.js';

export const { Earshot, Follower, Pace } = await importWeb('earshot.js', 'follower.js', 'pace.js');

export const ALL = ['message', 'caption', 'partial', 'joined', 'left', 'gap', 'live', 'state'];

export class FakePage extends EventTarget {
  tell(type, more = {}) {
    this.dispatchEvent(Object.assign(new Event(type), more));
  }
}

/** For each test. @param {TestHooks} hooks beforeEach and afterEach */
export function prepare({ beforeEach, afterEach }) {
  beforeEach(() => {
    FakeSocket.all = [];
    mock.timers.enable();
  });
  afterEach(() => mock.timers.reset());
}

export function client(options = {}, limits = {}) {
  const earshot = new Earshot({ WebSocket: FakeSocket, page: new FakePage(), ...options });
  earshot.connect('ws://server/ws');
  FakeSocket.last.hear('welcome', { ...WELCOME, limits });
  return earshot;
}

/** The server lets the client in: as member `me`, with events up to `rseq`, of which those from `from` on follow. */
export function letIn({ room = 'lobby', log = 'L1', rseq = 0, from = rseq + 1, complete = true, member = 's', members } = {}) {
  const others = members ?? [{ member, name: 'Ann' }];
  const answer = { room, log, rseq, member, name: 'Ann', members: others, total: others.length };
  FakeSocket.last.hear('room.joined', { ...answer, history: { from, complete } });
}

export const message = (rseq, text = `m${rseq}`, more = {}) =>
  FakeSocket.last.hear('room.message', { room: 'lobby', rseq, time: 1, member: 'b', name: 'Bob', text, msg_id: `b${rseq}`, ...more });

export const caption = (more) =>
  FakeSocket.last.hear('room.caption', { room: 'lobby', member: 'b', name: 'Bob', stream: 'x', start_ms: 0, text: 'hello', ...more });

export const said = (msgId, rseq) => FakeSocket.last.hear('room.said', { room: 'lobby', msg_id: msgId, rseq });

export const says = () => FakeSocket.last.texts('room.say').map(({ payload }) => payload.msg_id);

/** Everything that waits on promises and on the next task runs. */
export async function settle() {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  mock.timers.tick(0);
}

export async function entered(answer = {}, options = {}, limits = {}) {
  const earshot = client(options, limits);
  const joined = earshot.join('lobby', { name: 'Ann' });
  await settle();
  letIn(answer);
  const room = await joined;
  const seen = record(room, ...ALL);
  await settle();
  return { earshot, room, seen };
}

/** The connection breaks and is there again, greeted. */
export function reconnect(greeting = { session: 's2', token: 't2' }) {
  FakeSocket.last.die();
  mock.timers.tick(5000);
  FakeSocket.last.hear('welcome', { ...WELCOME, ...greeting });
}

export const resumed = (ok = true, more = { session: 's', token: 't3' }) => FakeSocket.last.hear('session.resumed', { ok, ...more });

export const events = (seen) => seen.filter(([type]) => ['message', 'caption', 'joined', 'left'].includes(type)).map(([, { rseq }]) => rseq);
export const named = (seen, type) => seen.filter(([name]) => name === type).map(([, detail]) => detail);
