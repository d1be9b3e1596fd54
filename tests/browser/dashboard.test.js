/** The dashboard over a real house: jobs in every state, commands, an edge that dies. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, newPage, shot } from './support/chromium.js';
import { repeated, speak } from './support/speech.js';
import { System } from './support/system.js';
import { until } from './support/until.js';

const scratch = mkdtempSync(join(tmpdir(), 'earshot-board-'));
const system = new System(process.env.EARSHOT_BIN, join(scratch, 'data'));
const long = 150; // times the sentence, some seven minutes
let browser, url, words;

before(async () => {
  words = readFileSync(speak(scratch, 'go forward ten meters', { before: 0.5, after: 0.5 }));
  browser = await launch('/dev/null');
  url = await system.start();
});

after(async () => {
  await browser?.close();
  await system.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function submit(name, body) {
  const response = await fetch(`${url}/session/board/upload?file_name=${name}`, { method: 'POST', body, headers: { 'content-type': 'audio/wav' } });
  assert.equal(response.status, 202);
  return (await response.json()).jobId;
}

const job = async (id) => (await fetch(`${url}/jobs/${id}`)).json();
const becomes = (id, status) => until(async () => (await job(id)).status === status, `job ${id} is ${status}`, 60_000);
const row = (page, name) => page.locator('#jobs tr[data-job]', { hasText: name });
const shows = (page, name, pattern) => until(async () => pattern.test(await row(page, name).textContent()), `${name} shows ${pattern}`, 60_000);

test('jobs in every state, one after the other and together', { timeout: 170_000 }, async () => {
  const page = await newPage(browser);
  const token = readFileSync(join(scratch, 'data', 'operator.token'), 'utf8').trim();
  await page.goto(`${url}/dashboard#token=${token}`);
  await page.locator('#none', { hasText: 'No recordings yet' }).waitFor();

  const done = await submit('done.wav', words);
  await submit('text.wav', Buffer.from('these are not sounds\n'.repeat(50)));
  await shows(page, 'text.wav', /Failed.*This is text/s);
  await becomes(done, 'COMPLETED');
  await shows(page, 'done.wav', /Completed.*100 %/s);

  system.kill('analysis-1', 'SIGSTOP');
  const waits = await submit('waits.wav', words);
  await shows(page, 'waits.wav', /Analyzing/);
  const runs = await submit('runs.wav', repeated(words, long));
  await shows(page, 'runs.wav', /Transcribing.*go forward ten meters/s);
  await submit('beside.wav', repeated(words, long));
  await shows(page, 'beside.wav', /Transcribing/);
  const later = await submit('later.wav', words);
  const never = await submit('never.wav', words);
  await shows(page, 'never.wav', /Queued/);
  await row(page, 'never.wav').getByRole('button', { name: 'Cancel' }).click();
  await shows(page, 'never.wav', /Cancelled/);
  assert.equal((await job(never)).status, 'CANCELLED');
  const counts = async () => Object.fromEntries(await page.locator('.tile').evaluateAll((tiles) => tiles.map((tile) => [tile.dataset.of, tile.querySelector('b').textContent])));
  await until(async () => Object.values(await counts()).join('') === '121111', 'jobs in each state');
  await until(async () => (await page.locator('#actors tr').count()) >= 6, 'the actors are listed');
  await shot(page, 'dashboard-real');

  const before = (await job(runs)).progress;
  system.kill('edge');
  await until(() => page.evaluate(() => document.body.dataset.link !== 'open'), 'the line is lost');
  await until(() => page.evaluate(() => document.body.dataset.link === 'open'), 'and comes back');
  await until(async () => (await job(runs)).progress > before, 'the job goes on');

  await row(page, 'runs.wav').getByRole('button', { name: 'Cancel' }).click();
  await row(page, 'runs.wav').getByRole('button', { name: 'sure' }).click();
  await becomes(runs, 'CANCELLED');
  system.kill('analysis-1', 'SIGCONT');
  await becomes(waits, 'COMPLETED');
  await row(page, 'text.wav').getByRole('button', { name: 'Delete' }).click();
  await row(page, 'text.wav').getByRole('button', { name: 'sure' }).click();
  await until(async () => (await row(page, 'text.wav').count()) === 0, 'it is gone');
  await row(page, 'done.wav').locator('.name').click();
  await page.locator('.details blockquote', { hasText: 'go forward ten meters' }).waitFor();
  await shot(page, 'dashboard-real-details');
  await becomes(later, 'COMPLETED');
  assert.deepEqual(page.troubles.filter((text) => !/WebSocket connection|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE/.test(text)), []);
  await page.context().close();
});
