/** A room with two pages in a real Chromium and one `earshot chat`, in the real house. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Chat } from './support/chat.js';
import { launch, newPage, shot } from './support/chromium.js';
import { hasSent, listenIn, understood } from './support/microphone.js';
import { speak } from './support/speech.js';
import { System } from './support/system.js';
import { until } from './support/until.js';

const SPOKEN = 'one two three four five, monday tuesday wednesday thursday friday';
const MIDST_S = 3.5;
const SPOKEN_S = 8; // with the quiet before it, and enough after it
const scratch = mkdtempSync(join(tmpdir(), 'earshot-house-'));
const bin = process.env.EARSHOT_BIN;
const system = new System(bin, join(scratch, 'data'));
let browser, url;

before(async () => {
  browser = await launch(speak(scratch, SPOKEN, { before: 1.5, after: 60 }));
  url = await system.start();
});

after(async () => {
  await browser?.close();
  await system.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function enter(name, room, options) {
  const page = await newPage(browser, options);
  await page.addInitScript((own) => localStorage.setItem('earshot.name', own), name);
  await listenIn(page);
  await page.goto(`${url}#room=${room}`);
  await page.waitForFunction(() => document.body.dataset.room === 'inside');
  return page;
}

async function close(page) {
  const expected = /^WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/;
  assert.deepEqual(page.troubles.filter((text) => !expected.test(text)), []);
  await page.context().close();
}

async function write(page, text) {
  await page.fill('#say', text);
  await page.press('#say', 'Enter');
}

/** The page has heard all of SPOKEN. @returns {Promise<string[]>} the captions that come of it */
async function captionsOf(page) {
  await hasSent(page, SPOKEN_S);
  const captions = await understood(page, system);
  assert.match(captions.join(' '), /\w+ \w+ \w+/);
  return captions;
}

const linesOf = (page) => page.locator('#talk .line-text').allTextContents();
const membersAre = (page, count) =>
  page.waitForFunction((want) => document.getElementById('members-count').textContent === want, String(count));
const unsentIsEmpty = (page) => page.waitForFunction(() => !document.getElementById('talk-unsent').childElementCount);

/** All of them show so many lines, the same ones in the same order. @returns {Promise<string[]>} those */
async function agree(count, pages, chats) {
  let all;
  const read = async () => (all = [...(await Promise.all(pages.map(linesOf))), ...chats.map(({ lines }) => lines)]);
  await until(
    async () => (await read()).every((lines) => lines.length >= count),
    () => `${count} lines everywhere: ${all.map(({ length }) => length)}`,
  );
  for (const lines of await read()) assert.deepEqual(lines, all[0]);
  assert.equal(all[0].length, count);
  return all[0];
}

test('two pages and a terminal read one another, written and spoken, in one order', async () => {
  const [ann, bob] = [await enter('Ann', 'lobby'), await enter('Bob', 'lobby')];
  const cleo = new Chat(bin, url, 'lobby', 'Cleo');
  await membersAre(ann, 3);
  await membersAre(bob, 3);

  await bob.evaluate(() => {
    window.partials = [];
    const box = document.getElementById('talk-speaking');
    new MutationObserver(() => window.partials.push(box.textContent)).observe(box, { childList: true, subtree: true });
  });
  await ann.click('#mic');
  await bob.waitForFunction(() => window.partials.some((text) => text.trim() !== ''));
  await shot(bob, 'house-speaking');
  for (let i = 0; i < 5; i++) {
    await Promise.all([write(ann, `ann ${i}`), write(bob, `bob ${i}`), cleo.write(`cleo ${i}`)]);
  }
  const captions = await captionsOf(ann);
  const said = await agree(15 + captions.length, [ann, bob], [cleo]);
  const written = ['ann', 'bob', 'cleo'].flatMap((name) => [0, 1, 2, 3, 4].map((i) => `${name} ${i}`));
  assert.deepEqual([...said].sort(), [...captions, ...written].sort());
  for (const name of ['ann', 'bob', 'cleo']) {
    const own = said.filter((text) => text.startsWith(name));
    assert.deepEqual(own, written.filter((text) => text.startsWith(name)), 'everybody keeps an own order');
  }
  assert.ok(cleo.messages.some(({ type, final, name }) => type === 'room.caption' && !final && name === 'Ann'));
  await ann.click('#mic');
  await unsentIsEmpty(ann);
  await shot(ann, 'house-desktop');

  const dan = await enter('Dan', 'lobby', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' });
  await agree(said.length, [ann, dan], [cleo]);
  assert.equal(await dan.textContent('#talk-begin'), 'The room begins here.');
  await shot(dan, 'house-phone-late');

  const gone = Date.now();
  await close(bob);
  await ann.waitForFunction(() => document.getElementById('talk').textContent.includes('Bob left'));
  assert.ok(Date.now() - gone < 5000, 'a closed page leaves at once');
  assert.equal(await cleo.end(), 0);
  await membersAre(ann, 2);
  for (const page of [ann, dan]) await close(page);
});

/** Everything that the status line of the room says from now on. */
function watchStatus(page) {
  return page.evaluateHandle(() => {
    const seen = [];
    const line = document.getElementById('room-status');
    new MutationObserver(() => seen.push(line.textContent)).observe(line, { childList: true, attributes: true });
    return seen;
  });
}

test('whatever is killed comes back by itself, visibly, and nothing is lost or said twice', async () => {
  const [ann, bob] = [await enter('Ann', 'attic'), await enter('Bob', 'attic')];
  const cleo = new Chat(bin, url, 'attic', 'Cleo');
  await membersAre(ann, 3);
  const victims = ['edge', 'room-1', 'edge', 'broker'];
  for (const [round, victim] of victims.entries()) {
    const told = await watchStatus(ann);
    const say = (when) =>
      Promise.all([write(ann, `ann ${when} ${round}`), write(bob, `bob ${when} ${round}`), cleo.write(`cleo ${when} ${round}`)]);
    await say('before');
    system.kill(victim);
    await say('after');
    if (round === 0) await shot(ann, 'house-reconnecting');
    const said = await agree((round + 1) * 6, [ann, bob], [cleo]);
    assert.equal(new Set(said).size, said.length);
    for (const page of [ann, bob]) {
      await unsentIsEmpty(page);
      await page.waitForFunction(() => document.getElementById('room-status').hidden);
      assert.equal(await page.locator('.missing').count(), 0);
    }
    const reconnected = (await told.jsonValue()).some((text) => text.startsWith('Reconnecting'));
    assert.equal(reconnected, victim === 'edge', victim);
  }
  await ann.click('#mic');
  const captions = await captionsOf(ann);
  const all = await agree(victims.length * 6 + captions.length, [ann, bob], [cleo]);
  assert.deepEqual(all.slice(-captions.length), captions);
  await membersAre(bob, 3);
  assert.equal(await ann.locator('.coming', { hasText: 'left' }).count(), 0, 'who came back never left');
  assert.equal(await cleo.end(), 0);
  for (const page of [ann, bob]) await close(page);
});

test('the edge dies while one speaks: what was said comes to everybody once and whole', async () => {
  const [ann, bob] = [await enter('Ann', 'cellar'), await enter('Bob', 'cellar')];
  const cleo = new Chat(bin, url, 'cellar', 'Cleo');
  await membersAre(ann, 3);
  await ann.click('#mic');
  await hasSent(ann, MIDST_S);
  system.kill('edge');
  const captions = await captionsOf(ann);
  assert.deepEqual(await agree(captions.length, [ann, bob], [cleo]), captions);
  await ann.click('#mic');
  await ann.waitForFunction(() => document.body.dataset.state === 'idle');
  assert.deepEqual(await agree(captions.length, [ann, bob], [cleo]), captions);
  assert.equal(await ann.locator('.gap').count(), 0);
  assert.equal(await bob.locator('.coming', { hasText: 'left' }).count(), 0);
  assert.equal(await cleo.end(), 0);
  for (const page of [ann, bob]) await close(page);
});
