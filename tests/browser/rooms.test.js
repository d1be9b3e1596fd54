/** Rooms of the client library: order, saying, asking, leaving. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import {
  ALL,
  caption,
  client,
  Earshot,
  entered,
  events,
  letIn,
  message,
  named,
  Pace,
  prepare,
  reconnect,
  resumed,
  said,
  says,
  settle,
} from './support/fake-room.js';
import { FakeSocket, record, WELCOME } from './support/fake-socket.js';

prepare({ beforeEach, afterEach });

test('join says who, and history comes after whoever joined could listen', async () => {
  const earshot = client();
  const joined = earshot.join('lobby', { name: 'Ann' });
  await settle();
  assert.deepEqual(FakeSocket.last.texts('room.join').map(({ payload }) => payload), [{ room: 'lobby', name: 'Ann' }]);
  letIn({ rseq: 9, from: 8, complete: false, members: [{ member: 's', name: 'Ann' }, { member: 'b', name: 'Bob' }] });
  message(8);
  FakeSocket.last.hear('room.joined', { room: 'lobby', rseq: 9, member: 's', name: 'Ann' });
  const room = await joined;
  const seen = record(room, ...ALL);
  assert.deepEqual(seen, []);
  mock.timers.tick(0);
  assert.deepEqual(events(seen), [8, 9]);
  assert.deepEqual(named(seen, 'state'), [{ state: 'joined', resumed: true, history: { from: 8, complete: false } }]);
  assert.deepEqual(seen.at(-1), ['live', {}]);
  assert.deepEqual(named(seen, 'gap'), [], 'where it begins is no gap');
  assert.deepEqual([room.id, room.name, room.member, room.state], ['lobby', 'Ann', 's', 'joined']);
  assert.deepEqual(room.opening, { from: 8, complete: false });
  assert.equal(room.total, 2);
});

test('every event once and in order; a hole is told before what comes after it', async () => {
  const { seen } = await entered();
  for (const rseq of [1, 2, 2, 1, 3, 6, 5, 6, 7]) message(rseq);
  assert.deepEqual(events(seen), [1, 2, 3, 6, 7]);
  assert.deepEqual(named(seen, 'gap'), [{ from: 4, to: 5, reason: 'hole' }]);
  const order = seen.filter(([type]) => type === 'message' || type === 'gap').map(([type, { rseq }]) => rseq ?? type);
  assert.deepEqual(order, [1, 2, 3, 'gap', 6, 7]);
});

test('events that the server lost are told in their place; an answer is no loss', async () => {
  const { room, seen } = await entered();
  message(1);
  const asked = room.history({ before: 1, limit: 10 });
  FakeSocket.last.hear('room.history', { room: 'lobby', events: [], from: 2, to: 5, complete: false });
  FakeSocket.last.hear('room.history', { room: 'lobby', events: [], from: 1, to: 0, complete: true });
  message(6);
  assert.deepEqual(named(seen, 'gap'), [{ from: 2, to: 5, reason: 'gone' }]);
  assert.deepEqual(events(seen), [1, 6]);
  assert.deepEqual(await asked, { events: [], from: 1, to: 0, complete: true });
});

test('members follow the events that came after the list', async () => {
  const { room } = await entered({ rseq: 2, from: 1, members: [{ member: 's', name: 'Ann' }] });
  const lists = record(room, 'members');
  const hear = (type, rseq, member, name) => FakeSocket.last.hear(type, { room: 'lobby', rseq, time: 1, member, name });
  hear('room.joined', 1, 'gone', 'Eve');
  hear('room.joined', 2, 's', 'Ann');
  assert.equal(room.total, 1, 'the list knew of these');
  hear('room.joined', 3, 'b', 'Bob');
  hear('room.left', 4, 'b', 'Bob');
  hear('room.joined', 5, 'c', 'Cleo');
  assert.deepEqual(room.members, [{ member: 's', name: 'Ann' }, { member: 'c', name: 'Cleo' }]);
  assert.deepEqual(lists.map(([, { total }]) => total), [2, 1, 2]);
});

test('a partial is passed on until its caption has come', async () => {
  const { seen } = await entered();
  caption({ final: false, text: 'hel', end_ms: 300 });
  caption({ final: true, rseq: 1, end_ms: 900 });
  caption({ final: false, text: 'hello', end_ms: 900 });
  caption({ final: false, text: 'wor', start_ms: 900, end_ms: 1200 });
  caption({ final: false, text: 'other', stream: 'y', end_ms: 100 });
  assert.deepEqual(named(seen, 'partial').map(({ text }) => text), ['hel', 'wor', 'other']);
  assert.deepEqual(named(seen, 'caption').map(({ text, own }) => [text, own]), [['hello', false]]);
});

test('say resolves once it is stored, by the answer or by the event', async () => {
  const { room, seen } = await entered();
  const first = room.say('one', { msgId: 'a1' });
  const second = room.say('two', { msgId: 'a2' });
  assert.deepEqual(FakeSocket.last.texts('room.say')[0].payload, { room: 'lobby', text: 'one', msg_id: 'a1' });
  said('a1', 1);
  assert.deepEqual(await first, { rseq: 1, msg_id: 'a1' });
  message(1, 'one', { member: 's', name: 'Ann', msg_id: 'a1' });
  message(2, 'two', { member: 's', name: 'Ann', msg_id: 'a2' });
  assert.deepEqual(await second, { rseq: 2, msg_id: 'a2' });
  assert.deepEqual(named(seen, 'message').map(({ own }) => own), [true, true]);
});

test('what cannot be said is refused at once, and a refusal reaches its message', async () => {
  const { earshot, room } = await entered();
  const errors = record(earshot, 'error');
  await assert.rejects(room.say(''), { code: 'bad_text' });
  await assert.rejects(room.say('é'.repeat(1025)), { code: 'bad_text', message: /2050 bytes.*2048/ });
  await assert.rejects(room.say('bell \u0007'), { code: 'bad_text' });
  assert.equal(says().length, 0);
  const [kept, refused] = [room.say('line\n\ttwo', { msgId: 'a1' }), room.say('no', { msgId: 'a2' })];
  FakeSocket.last.hear('error', { code: 'bad_field', message: 'No.', ref: 'room.say', room: 'lobby', msg_id: 'a2' });
  await assert.rejects(refused, { code: 'bad_field', message: 'No.' });
  said('a1', 1);
  await kept;
  assert.deepEqual(errors, []);
});

test('too much at once is said again later, in the same order', async () => {
  const { room } = await entered();
  const all = ['a1', 'a2', 'a3'].map((msgId) => room.say(msgId, { msgId }));
  said('a1', 1);
  for (const id of ['a2', 'a3']) {
    FakeSocket.last.hear('error', { code: 'rate_limited', message: 'Slow down.', ref: 'room.say', room: 'lobby', msg_id: id });
  }
  all.push(room.say('a4', { msgId: 'a4' }));
  assert.deepEqual(says(), ['a1', 'a2', 'a3']);
  mock.timers.tick(1000);
  assert.deepEqual(says().slice(3), ['a2', 'a3', 'a4']);
  ['a2', 'a3', 'a4'].forEach((id, i) => said(id, i + 2));
  assert.deepEqual((await Promise.all(all)).map(({ rseq }) => rseq), [1, 2, 3, 4]);
});

test('no more is under way than the server takes, and no faster', async () => {
  const { room } = await entered({}, {}, { max_pending: 5, say_rate: 10, say_burst: 100 });
  const all = Array.from({ length: 300 }, (_, i) => room.say('x', { msgId: `a${i}` }));
  assert.equal(says().length, 5);
  for (let i = 0; i < 90; i++) said(`a${i}`, i + 1);
  assert.equal(says().length, 90, 'the burst');
  for (let i = 90; i < 300; i++) {
    mock.timers.tick(112);
    said(`a${i}`, i + 1);
  }
  await Promise.all(all);
  assert.deepEqual(says(), Array.from({ length: 300 }, (_, i) => `a${i}`));
  for (let i = 0; i < 1024; i++) room.say('x');
  await assert.rejects(room.say('one too many'), { code: 'too_many_pending' });
});

test('history and who are asked one at a time, and again on the next connection', async () => {
  const { room } = await entered({ rseq: 50, from: 51 });
  const [first, second] = [room.history({ before: 51, limit: 2 }), room.history({ before: 49, limit: 2 })];
  const who = room.who();
  const asked = () => FakeSocket.last.texts('room.history').map(({ payload }) => payload.before);
  assert.deepEqual(asked(), [51]);
  const event = { type: 'room.message', rseq: 50, member: 's', name: 'Ann', text: 'x', msg_id: 'i' };
  FakeSocket.last.hear('room.history', { room: 'lobby', events: [event], from: 50, to: 50, complete: false });
  assert.deepEqual((await first).events, [{ ...event, type: 'message', own: true }]);
  assert.deepEqual(asked(), [51, 49]);
  reconnect();
  resumed();
  letIn({ rseq: 50 });
  assert.deepEqual(asked(), [49]);
  FakeSocket.last.hear('error', { code: 'bad_field', message: 'No.', ref: 'room.history', room: 'lobby' });
  await assert.rejects(second, { code: 'bad_field' });
  FakeSocket.last.hear('room.members', { room: 'lobby', rseq: 50, members: [{ member: 'b', name: 'Bob' }], total: 1 });
  assert.deepEqual(await who, { members: [{ member: 'b', name: 'Bob' }], total: 1 });
});

test('leave is confirmed; what comes for a room that was left is nobody’s', async () => {
  const { earshot, room, seen } = await entered();
  const left = room.leave();
  await assert.rejects(room.say('too late'), { code: 'not_in_room' });
  const again = earshot.join('lobby', { name: 'Ann' });
  await settle();
  assert.equal(FakeSocket.last.texts('room.join').length, 1, 'not before it is left');
  FakeSocket.last.hear('room.left', { room: 'lobby', member: 's', name: 'Ann' });
  await left;
  message(1);
  assert.deepEqual(events(seen), []);
  assert.deepEqual(named(seen, 'state').at(-1), { state: 'left' });
  await settle();
  assert.equal(FakeSocket.last.texts('room.join').length, 2);
  letIn();
  assert.notEqual(await again, room);
});

test('a refused join rejects; a refused return ends the room, with its messages', async () => {
  const earshot = client();
  await assert.rejects(earshot.join('', { name: 'Ann' }), { code: 'bad_room' });
  await assert.rejects(earshot.join('lobby', { name: 'x\ny' }), { code: 'bad_name' });
  const refused = earshot.join('lobby', { name: 'Ann' });
  await settle();
  await assert.rejects(earshot.join('lobby', { name: 'Ann' }), { code: 'already_in_room' });
  FakeSocket.last.hear('error', { code: 'room_full', message: 'Full.', ref: 'room.join', room: 'lobby' });
  await assert.rejects(refused, { code: 'room_full' });

  const { room, seen } = await entered();
  const waiting = room.say('hi');
  reconnect();
  resumed();
  FakeSocket.last.hear('error', { code: 'room_full', message: 'Full.', ref: 'room.join', room: 'lobby' });
  await assert.rejects(waiting, { code: 'unconfirmed' });
  assert.equal(named(seen, 'state').at(-1).error.code, 'room_full');
  await assert.rejects(room.say('more'), { code: 'not_in_room' });
  await assert.rejects(new Earshot({ WebSocket: FakeSocket }).join('lobby', { name: 'Ann' }), { code: 'not_connected' });
});

test('a room that does not answer is told, and waited for', async () => {
  const { room } = await entered();
  const told = record(room, 'unavailable', 'available');
  const waiting = room.say('hi', { msgId: 'a1' });
  FakeSocket.last.hear('error', { code: 'room_unavailable', message: 'No room.', room: 'lobby' });
  said('a1', 1);
  await waiting;
  assert.deepEqual(told.map(([type]) => type), ['unavailable', 'available']);
});

test('several rooms are told apart and come back together', async () => {
  const { earshot, seen } = await entered();
  const other = earshot.join('attic', { name: 'Ann' });
  await settle();
  letIn({ room: 'attic', log: 'A', rseq: 7 });
  const attic = record(await other, 'message', 'state');
  await settle();
  message(8, 'up here', { room: 'attic' });
  message(1);
  message(1, 'nowhere', { room: 'cellar' });
  assert.deepEqual([events(seen), events(attic)], [[1], [8]]);
  FakeSocket.last.hear('error', { code: 'room_unavailable', message: 'No.', ref: 'room.say', room: 'attic' });
  reconnect();
  const joins = FakeSocket.last.texts('room.join').map(({ payload: { room, since, log } }) => [room, since, log]);
  assert.deepEqual(joins, [['lobby', 1, 'L1'], ['attic', 8, 'A']]);
});

test('rooms share what may be under way', async () => {
  const { earshot, room } = await entered({}, {}, { max_pending: 1, say_rate: 0, say_burst: 1 });
  const joined = earshot.join('attic', { name: 'Ann' });
  await settle();
  letIn({ room: 'attic' });
  const attic = await joined;
  const all = [room.say('one', { msgId: 'a1' }), attic.say('two', { msgId: 'a2' }), room.say('three', { msgId: 'a3' })];
  assert.deepEqual(says(), ['a1']);
  said('a1', 1);
  assert.equal(says().length, 2);
  FakeSocket.last.hear('room.said', { room: 'attic', msg_id: 'a2', rseq: 1 });
  said('a3', 2);
  FakeSocket.last.hear('room.said', { room: 'attic', msg_id: 'a2', rseq: 1 });
  assert.equal(says().length, 3);
  await Promise.all(all);
});

test('a stream says its room, which must be joined', async () => {
  const { earshot } = await entered();
  assert.throws(() => earshot.startStream({ room: 'attic' }), { code: 'not_in_room' });
  earshot.startStream({ room: 'lobby' });
  assert.equal(FakeSocket.last.texts('audio.start')[0].payload.room, 'lobby');
  earshot.abandon();
  FakeSocket.last.hear('welcome', WELCOME);
  assert.throws(() => earshot.startStream({ room: 'lobby' }), { code: 'not_in_room' });
});

test('the pace is a burst and then a rate', () => {
  const pace = new Pace({ perSecond: 10, burst: 2 });
  assert.deepEqual([pace.take(0), pace.take(0), pace.take(0), pace.take(50), pace.take(100), pace.take(5000)], [0, 0, 100, 50, 0, 0]);
});
