/** The page in a room, against a house that a test holds in its hand. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, newPage, shot } from './support/chromium.js';
import { FakeHouse } from './support/fake-house.js';
import { layout } from './support/layout.js';
import { speak } from './support/speech.js';
import { until } from './support/until.js';
import { serveWeb } from './support/web.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const BOB = { member: 'session-bob', name: 'Bob Martin' };
const CLEO = { member: 'session-cleo', name: 'Cleo' };
const scratch = mkdtempSync(join(tmpdir(), 'earshot-room-'));
let browser, web;

before(async () => {
  browser = await launch(speak(scratch, 'one two three', { before: 1, after: 60 }));
  web = await serveWeb();
});

after(async () => {
  await browser?.close();
  await web?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A page with a name to go by, at an address. */
async function openPage(house, hash = '', { name = 'Ann', ...options } = {}) {
  const page = await newPage(browser, options);
  if (name) await page.addInitScript((own) => localStorage.setItem('earshot.name', own), name);
  await house.serve(page);
  await page.goto(`${web.url}/${hash}`);
  return page;
}

async function close(page, expected = /^WebSocket connection to .* failed/) {
  assert.deepEqual(page.troubles.filter((text) => !expected.test(text)), []);
  await page.context().close();
}

const inside = (page, room = 'lobby') =>
  page.waitForFunction((id) => document.body.dataset.room === 'inside' && document.getElementById('room-name').textContent === id, room);
const textsOf = (page, selector) => page.locator(selector).allTextContents();
const lines = (page) => textsOf(page, '#talk .line-text');
const shows = (page, selector, text) =>
  page.waitForFunction(([where, what]) => document.querySelector(where)?.textContent.includes(what), [selector, text]);
const linesAre = (page, want) =>
  page.waitForFunction((texts) => {
    const shown = [...document.querySelectorAll('#talk .line-text')].map((node) => node.textContent);
    return JSON.stringify(shown) === JSON.stringify(texts);
  }, want);

async function write(page, text) {
  await page.fill('#say', text);
  await page.press('#say', 'Enter');
}

const message = (who, text, more) => ['room.message', { ...who, text, msg_id: `${who.name}-${text}`, ...more }];
const caption = (who, text, more) => ['room.caption', { ...who, text, stream: 'a', start_ms: 0, end_ms: 900, final: true, ...more }];

/** A room with a past. */
function conversation(house) {
  const at = Date.now();
  for (const who of [BOB, CLEO]) house.room('lobby').members.set(who.member, who.name);
  const all = [
    ['room.joined', { ...BOB, time: at - 9e7 }],
    message(BOB, 'Is anybody here already?', { time: at - 9e7 }),
    ['room.joined', { ...CLEO, time: at - 9e5 }],
    message(CLEO, 'Morning. I put the microphone on the table, then you can read what they say.', { time: at - 8.9e5 }),
    message(BOB, 'Perfect', { time: at - 8.8e5 }),
    message(BOB, 'I am on the train:\nhttps://example.org/a/very/long/address/that/does/not/fit/on/one/line', { time: at - 8.79e5 }),
    caption(CLEO, 'so the first thing on the list for today is the budget', { time: at - 8.5e5 }),
    caption(CLEO, 'and after that we talk about the move', { time: at - 8.45e5, start_ms: 1000, end_ms: 1900 }),
  ];
  for (const event of all) house.happen('lobby', ...event);
}

test('through the door into a room, which the address keeps, and out again', async () => {
  const house = new FakeHouse();
  conversation(house);
  const page = await openPage(house, '', { name: '', permissions: ['clipboard-read', 'clipboard-write'] });
  assert.ok(await page.isHidden('#room'));
  await page.click('#room-open');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'door-room');
  await shot(page, 'room-door');
  await page.keyboard.type('lobby');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'door-name', 'a name is needed too');
  await page.keyboard.type('Ann');
  await page.keyboard.press('Enter');
  await inside(page);
  assert.equal(new URL(page.url()).hash, '#room=lobby');
  assert.equal(await page.title(), 'lobby · earshot');
  assert.equal(await page.textContent('#members-count'), '3');
  await page.click('#room-link');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${web.url}/#room=lobby`);
  await page.click('#members-button');
  assert.deepEqual(await textsOf(page, '#members .name'), ['Bob Martin', 'Cleo', 'Ann']);
  await page.reload();
  await inside(page);
  assert.deepEqual(await page.evaluate(() => Object.entries({ ...localStorage })), [['earshot.name', 'Ann']]);
  await page.click('#room-leave');
  await page.waitForFunction(() => document.body.dataset.room === 'none');
  assert.equal(page.url(), `${web.url}/`);
  assert.deepEqual(house.said.at(-1), ['room.leave', { room: 'lobby' }]);
  await page.goBack();
  await inside(page);
  await close(page);
});

test('a link invites: the name is asked for once; another hash is another room', async () => {
  const house = new FakeHouse();
  const page = await openPage(house, '#room=caf%C3%A9%20%2B%201', { name: '' });
  assert.equal(await page.inputValue('#door-room'), 'café + 1');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'door-name');
  await page.keyboard.type('Ann');
  await page.keyboard.press('Enter');
  await inside(page, 'café + 1');
  await page.evaluate(() => (location.hash = 'room=attic'));
  await inside(page, 'attic');
  assert.deepEqual([...house.rooms.values()].map(({ id, members }) => [id, members.size]), [['café + 1', 0], ['attic', 1]]);
  await close(page);
});

test('a room that cannot be entered says why, and the door stays open', async () => {
  const house = new FakeHouse();
  house.refusal = { code: 'room_full', message: 'Full.' };
  const page = await openPage(house, '#room=lobby');
  await shows(page, '#door-trouble', 'This room is full');
  await shot(page, 'room-refused');
  house.refusal = { code: 'room_unavailable', message: 'Nobody answers.' };
  await page.click('#door-enter');
  await shows(page, '#door-trouble', 'does not answer');
  assert.ok(await page.isDisabled('#door-enter'));
  await page.click('#door-cancel');
  house.refusal = null;
  house.breakAll();
  await page.click('#room-open');
  await page.fill('#door-room', 'x'.repeat(40) + 'é'.repeat(20));
  await page.click('#door-enter');
  await shows(page, '#door-trouble', '1 to 64');
  await page.fill('#door-room', 'lobby');
  const greeted = house.greeted;
  house.breakAll();
  await until(() => house.greeted > greeted, 'another connection');
  await page.waitForFunction(() => document.body.dataset.link === 'open');
  assert.equal(await page.inputValue('#door-room'), 'lobby', 'what is typed stays through a reconnect');
  await page.click('#door-enter');
  await inside(page);
  await close(page);
});

test('what was said before is there, what is spoken settles, what is written is sent', async () => {
  const house = new FakeHouse();
  conversation(house);
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  assert.equal((await lines(page)).length, 6);
  assert.match((await textsOf(page, '#talk .day')).join(), /Today$/);
  assert.equal(await page.textContent('#talk-begin'), 'The room begins here.');
  assert.equal(await page.getAttribute('#talk', 'aria-live'), 'polite');
  house.partial('lobby', { ...BOB, stream: 'b', text: 'can you', start_ms: 0, end_ms: 300 });
  house.partial('lobby', { ...CLEO, stream: 'c', text: 'yes', start_ms: 0, end_ms: 300 });
  house.partial('lobby', { ...BOB, stream: 'b', text: 'can you hear', start_ms: 0, end_ms: 600 });
  await shows(page, '#talk-speaking', 'can you hear');
  assert.deepEqual(await textsOf(page, '#talk-speaking .line-text'), ['can you hear', 'yes']);
  house.mute = true;
  await write(page, 'Hello from here');
  await page.waitForSelector('.own .sent');
  await shot(page, 'room-desktop');
  house.happen('lobby', ...caption(BOB, 'can you hear me', { stream: 'b' }));
  await linesAre(page, [...(await lines(page)).slice(0, 7), 'can you hear me']);
  assert.deepEqual(await textsOf(page, '#talk-speaking .line-text'), ['yes']);
  house.happen('lobby', 'room.left', CLEO);
  await page.waitForFunction(() => !document.getElementById('talk-speaking').childElementCount);
  assert.equal(await page.textContent('#members-count'), '2');
  assert.equal(await page.inputValue('#say'), '');
  await close(page);
});

test('words and names are text, whatever is in them', async () => {
  const house = new FakeHouse();
  const evil = { member: 'e', name: '<b onclick="x">\u202eEve' };
  house.happen('lobby', 'room.joined', evil);
  house.happen('lobby', ...message(evil, '<img src=x onerror="document.title=1"><script>document.title=2</script>'));
  house.happen('lobby', ...caption(evil, '&amp; <i>so on</i>'));
  const page = await openPage(house, '#room=%3Cu%3Ehere');
  await inside(page, '<u>here');
  await page.evaluate(() => (location.hash = 'room=lobby'));
  await inside(page);
  await linesAre(page, ['<img src=x onerror="document.title=1"><script>document.title=2</script>', '&amp; <i>so on</i>']);
  assert.equal(await page.locator('#room :is(img, script, i, u, b[onclick])').count(), 0);
  assert.equal(await page.title(), 'lobby · earshot');
  await close(page);
});

test('a message too long is counted and kept; lines are broken with Shift', async () => {
  const house = new FakeHouse();
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  await write(page, 'é'.repeat(1025));
  assert.equal(await page.textContent('#say-left'), '2 letters too long');
  assert.ok(await page.isDisabled('#say-send'));
  await page.fill('#say', 'x'.repeat(1900));
  assert.equal(await page.textContent('#say-left'), '148 letters left');
  await page.fill('#say', '');
  await page.type('#say', 'one');
  await page.press('#say', 'Shift+Enter');
  await page.type('#say', 'two');
  await page.click('#say-send');
  await linesAre(page, ['one\ntwo']);
  await close(page);
});

test('a broken connection is shown, mends itself, and loses and repeats nothing', async () => {
  const house = new FakeHouse();
  conversation(house);
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  house.mute = house.deaf = true;
  await write(page, 'said into nothing');
  await shows(page, '#talk-unsent', 'Sending');
  house.partial('lobby', { ...BOB, stream: 'b', text: 'I was about to', start_ms: 0, end_ms: 300 });
  await shows(page, '#talk-speaking', 'about to');
  const before = await lines(page);
  house.breakAll();
  await shows(page, '#room-status', 'Reconnecting');
  assert.equal(await page.locator('#talk-speaking > *').count(), 0);
  await shot(page, 'room-reconnecting');
  house.happen('lobby', ...message(BOB, 'said meanwhile'));
  house.mute = house.deaf = false;
  await page.waitForFunction(() => document.getElementById('room-status').hidden);
  await linesAre(page, [...before, 'said meanwhile', 'said into nothing']);
  assert.equal(await page.locator('#talk-unsent > *').count(), 0);
  assert.equal(await page.locator('.missing').count(), 0);
  const resumed = house.said.filter(([type]) => type === 'session.resume');
  assert.equal(resumed.length, 1);
  await close(page);
});

test('what is missing is marked: before the first line, and in the middle', async () => {
  const house = new FakeHouse();
  conversation(house);
  house.room('lobby').floor = 4;
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  await shows(page, '#talk-begin', 'not kept any more');
  house.breakAll();
  for (let i = 0; i < 9; i++) house.happen('lobby', ...message(CLEO, `m${i}`));
  house.room('lobby').floor = house.room('lobby').events.length - 1;
  await shows(page, '#talk .missing', 'is missing');
  await linesAre(page, [...(await lines(page)).slice(0, 5), 'm7', 'm8']);
  await shot(page, 'room-missing');
  await close(page);
});

test('earlier messages come when they are asked for, and what is read stays in view', async () => {
  const house = new FakeHouse();
  for (let i = 0; i < 120; i++) house.happen('lobby', ...message(i % 3 ? BOB : CLEO, `message ${i}`));
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  await page.waitForFunction(() => document.querySelectorAll('#talk .line').length === 49);
  await page.waitForFunction(() => document.getElementById('talk-scroll').scrollTop > 0); // the newest is in view
  await page.evaluate(() => (document.getElementById('talk-scroll').scrollTop = 0));
  const placeOf = () => page.locator('.line-text', { hasText: /^message 71$/ }).evaluate((node) => node.getBoundingClientRect().top);
  const place = await placeOf();
  await page.click('#earlier');
  await page.waitForFunction(() => document.querySelectorAll('#talk .line').length === 99);
  assert.ok(Math.abs((await placeOf()) - place) < 40, 'but for the button and a name nothing moves');
  await page.click('#earlier');
  await shows(page, '#talk-begin', 'begins here');
  assert.deepEqual(await lines(page), Array.from({ length: 120 }, (_, i) => `message ${i}`));
  assert.ok(await page.isHidden('#earlier'));
  assert.equal(await page.locator('#talk .day').count(), 1);
  house.happen('lobby', ...message(BOB, 'new'));
  await page.waitForSelector('#talk-latest:not([hidden])');
  await shot(page, 'room-looking-back');
  await page.click('#talk-latest');
  await page.waitForFunction(() => document.getElementById('talk-latest').hidden);
  await close(page);
});

test('on a phone room and words take turns, everything fits and is large enough', async () => {
  const house = new FakeHouse();
  conversation(house);
  const page = await openPage(house, '', { name: '', colorScheme: 'dark', ...PHONE });
  await page.tap('#room-open');
  await shot(page, 'room-phone-door');
  assert.deepEqual(await layout(page), { overflow: 0, outside: [], small: [], nameless: [] });
  await page.fill('#door-room', 'lobby');
  await page.fill('#door-name', 'Ann');
  await page.tap('#door-enter');
  await inside(page);
  await page.fill('#say', 'Hello from here');
  await page.tap('#say-send');
  await page.waitForSelector('.own .sent');
  house.partial('lobby', { ...BOB, stream: 'b', text: 'can you hear me', start_ms: 0, end_ms: 300 });
  await page.tap('#members-button');
  await shot(page, 'room-phone');
  assert.deepEqual(await layout(page), { overflow: 0, outside: [], small: [], nameless: [] });
  await page.tap('.tab[data-show="words"]');
  assert.ok(await page.isVisible('#welcome'));
  assert.ok(await page.isHidden('#say'));
  await shot(page, 'room-phone-words');
  assert.deepEqual(await layout(page), { overflow: 0, outside: [], small: [], nameless: [] });
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await layout(page), { overflow: 0, outside: [], small: [], nameless: [] });
  await page.setViewportSize({ width: 390, height: 430 }); // as with a keyboard
  await page.tap('.tab[data-show="room"]');
  await shot(page, 'room-phone-keyboard');
  assert.ok((await page.locator('#talk-scroll').boundingBox()).height > 90);
  await close(page);
});

test('the microphone follows the page into the room, through a reconnect, and out again', async () => {
  const house = new FakeHouse();
  const page = await openPage(house);
  await page.click('#mic');
  await page.waitForFunction(() => document.body.dataset.state === 'listening');
  const rooms = () => house.said.filter(([type]) => type === 'audio.start').map(([, { room }]) => room);
  await page.evaluate(() => (location.hash = 'room=lobby'));
  await inside(page);
  await shows(page, '#hint', 'Everyone in lobby reads');
  assert.ok(await page.isVisible('#talk-alone'));
  await shot(page, 'room-listening');
  house.breakAll();
  await until(() => rooms().length === 3, 'a stream after the reconnect');
  await page.click('#room-leave');
  await shows(page, '#hint', 'Listening');
  await until(() => rooms().length === 4, 'a stream without the room');
  await page.click('#mic');
  await page.waitForFunction(() => document.body.dataset.state === 'idle');
  assert.deepEqual(rooms(), [undefined, 'lobby', 'lobby', undefined]);
  await close(page);
});

test('a microphone that moves into a room drops no sound on the way', async () => {
  const house = new FakeHouse();
  house.ending = [];
  const page = await openPage(house);
  await page.evaluate(() => {
    window.heard = 0;
    window.AudioWorkletNode = class extends AudioWorkletNode {
      constructor(...settings) {
        super(...settings);
        this.port.addEventListener('message', ({ data }) => (window.heard += data ? 1 : 0));
      }
    };
  });
  const heard = () => page.evaluate(() => window.heard);
  const streams = () => house.said.filter(([type]) => type === 'audio.start').length;
  /** The last words of a stream take as long as half a second of sound. */
  const endSlowly = async () => {
    await until(() => house.ending.length === 1, 'a stream that ends');
    const before = await heard();
    await until(async () => (await heard()) >= before + 5, 'sound meanwhile');
    house.endStreams();
  };
  await page.click('#mic');
  await until(() => house.chunks > 5, 'sound');
  await page.evaluate(() => (location.hash = 'room=lobby'));
  await endSlowly();
  await until(() => streams() === 2, 'a stream in the room');
  await page.click('#room-leave');
  await endSlowly();
  await until(() => streams() === 3, 'a stream out of it');
  await page.click('#mic');
  await until(() => house.ending.length === 1, 'the end');
  house.endStreams();
  await page.waitForFunction(() => document.body.dataset.state === 'idle');
  const dropped = (await heard()) - house.chunks;
  assert.ok(dropped <= 2, `${dropped} chunks`); // before the first stream was open
  await close(page);
});

test('a page in the background counts what it has not shown', async () => {
  const house = new FakeHouse();
  const page = await openPage(house, '#room=lobby');
  await inside(page);
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  house.happen('lobby', ...message(BOB, 'psst'));
  house.happen('lobby', 'room.joined', CLEO);
  house.happen('lobby', ...caption(CLEO, 'hello'));
  await page.waitForFunction(() => document.title === '(2) lobby · earshot');
  await hide(false);
  assert.equal(await page.title(), 'lobby · earshot');
  await close(page);
});
