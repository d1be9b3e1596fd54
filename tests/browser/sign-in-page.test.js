/** The pages of an edge that asks who comes. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, newPage, shot } from './support/chromium.js';
import { System } from './support/system.js';

const KEY = `earshot_${'k'.repeat(40)}`;
const scratch = mkdtempSync(join(tmpdir(), 'earshot-sign-in-'));
const keys = join(scratch, 'api.keys');
const system = new System(process.env.EARSHOT_BIN, join(scratch, 'data'), '--api-keys', keys);
let browser, url;

before(async () => {
  writeFileSync(keys, `page ${createHash('sha256').update(KEY).digest('hex')} stream,room.join\n`, { mode: 0o600 });
  browser = await launch('/dev/null');
  url = await system.start();
});

after(async () => {
  await browser?.close();
  await system.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const linkIs = (page, link) => page.waitForFunction((want) => document.body.dataset.link === want, link);

async function signIn(page, token) {
  await page.locator('#sign-in[open]').waitFor();
  await page.fill('#sign-in-token', token);
  await page.click('#sign-in .main-act');
}

test('the page asks once for a token, and says what is wrong with it', async () => {
  const page = await newPage(browser);
  await page.goto(url);
  await page.locator('#sign-in[open]').waitFor();
  await linkIs(page, 'closed');
  assert.equal(await page.textContent('#sign-in-trouble'), '');
  await shot(page, 'sign-in');
  await signIn(page, 'earshot_wrong-wrong-wrong-wrong-wrong');
  await page.locator('#sign-in-trouble', { hasText: 'not known here' }).waitFor();
  await signIn(page, KEY);
  await linkIs(page, 'open');
  await page.reload();
  await linkIs(page, 'open');
  assert.equal(await page.locator('#sign-in[open]').count(), 0);
  assert.ok(!page.url().includes(KEY));
  await page.close();
});

test('a link to a room leads there by way of the token, as far as it goes', async () => {
  const page = await newPage(browser);
  await page.addInitScript(() => localStorage.setItem('earshot.name', 'Ann'));
  await page.goto(`${url}/#room=lobby`);
  await signIn(page, KEY);
  await page.waitForFunction(() => document.body.dataset.room === 'inside');
  await page.fill('#say', 'hello');
  await page.click('#say-send');
  await page.locator('#room', { hasText: 'right room.say' }).waitFor();
  await page.close();
});

test('the dashboard takes the operator\'s token, and no other', async () => {
  const page = await newPage(browser);
  await page.goto(`${url}/dashboard`);
  await page.fill('#token', KEY);
  await page.click('#door .main-act');
  await page.locator('#door-trouble', { hasText: 'right dashboard' }).waitFor();
  await page.fill('#token', readFileSync(join(scratch, 'data', 'operator.token'), 'utf8').trim());
  await page.click('#door .main-act');
  await linkIs(page, 'open');
  await page.locator('#none', { hasText: 'No recordings yet' }).waitFor();
  await page.close();
});
