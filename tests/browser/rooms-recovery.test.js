/** Rooms of the client library through reconnects: nothing lost, nothing twice, what is missing told. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import {
  entered,
  events,
  FakePage,
  Follower,
  letIn,
  message,
  named,
  prepare,
  reconnect,
  resumed,
  said,
  says,
} from './support/fake-room.js';
import { FakeSocket, record, WELCOME } from './support/fake-socket.js';

prepare({ beforeEach, afterEach });

test('after a reconnect: resume, what was missed, then what was not confirmed, under the same ids', async () => {
  const { earshot, room, seen } = await entered();
  const results = record(earshot, 'resumed');
  message(1);
  const stored = room.say('stored, but the answer is lost', { msgId: 'a1' });
  const unheard = room.say('never arrived', { msgId: 'a2' });
  reconnect();
  assert.equal(room.state, 'rejoining');
  const written = room.say('written meanwhile', { msgId: 'a3' });
  assert.deepEqual(FakeSocket.last.sent.map(({ type, payload }) => [type, payload]), [
    ['session.resume', { token: 't' }],
    ['room.join', { room: 'lobby', name: 'Ann', since: 1, log: 'L1' }],
  ]);
  resumed();
  letIn({ rseq: 3, from: 2 });
  message(2);
  assert.deepEqual(says(), [], 'not before all that was missed is here');
  message(3, 'stored, but the answer is lost', { member: 's', msg_id: 'a1' });
  assert.deepEqual(await stored, { rseq: 3, msg_id: 'a1' });
  assert.deepEqual(says(), ['a2', 'a3']);
  said('a2', 4);
  said('a3', 5);
  assert.deepEqual([(await unheard).rseq, (await written).rseq], [4, 5]);
  assert.deepEqual(events(seen), [1, 2, 3]);
  assert.deepEqual(named(seen, 'gap'), []);
  assert.deepEqual(named(seen, 'state').map(({ state }) => state), ['joined', 'rejoining', 'joined']);
  assert.deepEqual(results, [['resumed', { ok: true, session: 's', reason: undefined }]]);
  reconnect();
  assert.equal(FakeSocket.last.sent[0].payload.token, 't3', 'the fresh token');
});

test('a connection that breaks before the answer resumes the same session again', async () => {
  const { room } = await entered();
  const waiting = room.say('hi', { msgId: 'a1' });
  reconnect();
  reconnect();
  assert.equal(FakeSocket.last.sent[0].payload.token, 't');
  resumed();
  letIn();
  assert.deepEqual(says(), ['a1']);
  said('a1', 1);
  await waiting;
});

test('another session: what is in the log was said, what is not is said again, both only once', async () => {
  const { earshot, room, seen } = await entered();
  const results = record(earshot, 'resumed');
  const stored = room.say('in the log', { msgId: 'a1' });
  const lost = room.say('not in it', { msgId: 'a2' });
  reconnect();
  resumed(false, { reason: 'the token is too old' });
  letIn({ rseq: 1, from: 1, member: 's2' });
  message(1, 'in the log', { member: 's', msg_id: 'a1' });
  assert.equal((await stored).rseq, 1);
  assert.deepEqual(says(), ['a2']);
  said('a2', 2);
  await lost;
  assert.deepEqual(results[0][1], { ok: false, session: 's2', reason: 'the token is too old' });
  assert.equal(earshot.session, 's2');
  assert.equal(named(seen, 'state').at(-1).resumed, false);
  assert.equal(named(seen, 'message')[0].own, true, 'said by the session before');
  reconnect();
  assert.equal(FakeSocket.last.sent[0].payload.token, 't2');
});

test('another session and part of the log gone: nobody knows, and that is said', async () => {
  const { room, seen } = await entered();
  message(1);
  const doubtful = room.say('sent', { msgId: 'a1' });
  FakeSocket.last.die();
  const fresh = room.say('not sent yet', { msgId: 'a2' });
  mock.timers.tick(5000);
  FakeSocket.last.hear('welcome', { ...WELCOME, session: 's2', token: 't2' });
  resumed(false, { reason: 'no' });
  letIn({ rseq: 9, from: 8, complete: false, member: 's2' });
  message(8);
  message(9);
  await assert.rejects(doubtful, { code: 'unconfirmed' });
  assert.deepEqual(says(), ['a2']);
  said('a2', 10);
  await fresh;
  assert.deepEqual(named(seen, 'gap'), [{ from: 2, to: 7, reason: 'gone' }]);
});

test('the same session and part of the log gone: the server knows the ids', async () => {
  const { room, seen } = await entered();
  room.say('sent', { msgId: 'a1' });
  reconnect();
  resumed();
  letIn({ rseq: 9, from: 10, complete: false });
  assert.deepEqual(says(), ['a1']);
  assert.deepEqual(named(seen, 'gap'), [{ from: 1, to: 9, reason: 'gone' }]);
});

test('a server that cannot resume is taken at its word', async () => {
  const { earshot } = await entered();
  const told = record(earshot, 'resumed', 'error');
  reconnect();
  FakeSocket.last.hear('error', { code: 'unsupported_type', message: 'Not here.', ref: 'session.resume' });
  assert.deepEqual(told, [['resumed', { ok: false, session: 's2', reason: 'Not here.' }]]);
});

test('another log: told, and its numbers begin anew', async () => {
  const { seen } = await entered({ rseq: 40, from: 41 });
  reconnect();
  resumed();
  letIn({ log: 'L2', rseq: 2, from: 1, complete: false });
  message(1);
  message(2);
  letIn({ log: 'L3', rseq: 0, from: 1, complete: false });
  message(1);
  assert.deepEqual(events(seen), [1, 2, 1]);
  assert.deepEqual(named(seen, 'gap').map(({ reason }) => reason), ['other_log', 'other_log']);
});

test('an own departure with a number is an event like others: one was away for too long', async () => {
  const { room, seen } = await entered();
  reconnect();
  resumed();
  letIn({ rseq: 2, from: 1 });
  FakeSocket.last.hear('room.left', { room: 'lobby', rseq: 1, time: 1, member: 's', name: 'Ann' });
  FakeSocket.last.hear('room.joined', { room: 'lobby', rseq: 2, time: 1, member: 's', name: 'Ann' });
  assert.deepEqual(events(seen), [1, 2]);
  assert.equal(room.state, 'joined');
});

test('a page that goes away leaves at once; one that is brought back is back', async () => {
  const page = new FakePage();
  const { earshot, room } = await entered({}, { page });
  page.tell('pagehide', { persisted: true });
  assert.deepEqual(FakeSocket.last.sent.at(-1).payload, { room: 'lobby' });
  assert.equal(FakeSocket.last.sent.at(-1).type, 'room.leave');
  assert.ok(FakeSocket.last.closed);
  mock.timers.tick(60_000);
  assert.equal(FakeSocket.all.length, 1, 'and stays away');
  page.tell('pageshow', { persisted: true });
  FakeSocket.last.hear('welcome', WELCOME);
  resumed();
  letIn();
  assert.equal(room.state, 'joined');
  earshot.close();
  assert.deepEqual(FakeSocket.last.texts('room.leave').length, 1);
  assert.equal(room.state, 'left');
  page.tell('pageshow', { persisted: true });
  assert.equal(FakeSocket.all.length, 2, 'closed for good');
});

test('a server that goes down is left for another before it is gone', async () => {
  const { earshot, room } = await entered();
  const waiting = room.say('hi', { msgId: 'a1' });
  FakeSocket.last.hear('status', { state: 'draining' });
  assert.equal(FakeSocket.all.length, 2);
  const [old] = FakeSocket.all;
  assert.equal(old.closed, false, 'it serves until the other is there');
  FakeSocket.last.hear('welcome', WELCOME);
  assert.equal(old.closed, true);
  resumed();
  letIn();
  said('a1', 1);
  await waiting;
  earshot.startStream();
  FakeSocket.last.hear('status', { state: 'draining' });
  assert.equal(FakeSocket.all.length, 3, 'and a stream goes along');
});

test('back online means: try now, and look whether the line still lives', async () => {
  const page = new FakePage();
  await entered({}, { page });
  page.tell('online');
  assert.equal(FakeSocket.last.texts('ping').length, 1);
  for (let second = 0; second < 10; second++) mock.timers.tick(1000);
  assert.ok(FakeSocket.last.closed, 'no answer: given up');
  const tries = FakeSocket.all.length;
  page.tell('online');
  assert.equal(FakeSocket.all.length, tries + 1);
});

test('an earlier position is where a new page goes on', async () => {
  const { room } = await entered({ rseq: 4 });
  assert.deepEqual(room.position, { since: 4, log: 'L1' });
  const follower = new Follower({ since: 4, log: 'L1' });
  assert.deepEqual(follower.position, { since: 4, log: 'L1' });
  assert.deepEqual(follower.begin({ log: 'L1', rseq: 9, history: { from: 7, complete: false } }), { from: 5, to: 6, reason: 'gone' });
  assert.equal(follower.begin({ log: 'L1', rseq: 9, history: { from: 3, complete: true } }), null);
  assert.deepEqual([3, 6, 7].map((rseq) => follower.take(rseq).fresh), [false, false, true]);
});
