/** The dashboard, against jobs and a house that a test holds in its hand. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, newPage, shot } from './support/chromium.js';
import { eventOf, FakeDesk, job } from './support/fake-desk.js';
import { until } from './support/until.js';
import { serveWeb } from './support/web.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
let browser, web;

before(async () => {
  browser = await launch('/dev/null');
  web = await serveWeb();
});

after(async () => {
  await browser?.close();
  await web?.close();
});

async function openBoard(desk, options) {
  const page = await newPage(browser, options);
  await desk.serve(page);
  await page.goto(`${web.url}/dashboard#token=${desk.token}`);
  return page;
}

async function close(page, expected = /status of 401|status of 404/) {
  assert.deepEqual(page.troubles.filter((text) => !expected.test(text)), []);
  await page.context().close();
}

function everyState() {
  const desk = new FakeDesk();
  desk.jobs = [
    job(1, 'TRANSCRIBING'),
    job(2, 'TRANSCRIBING', { note: 'waits for a transcriber, place 3', progress: 12 }),
    job(3, 'QUEUED', { priority: 5, attempt: 1, error: 'the decoder died', nextAttemptAt: Date.now() + 9000 }),
    job(4, 'ANALYZING'),
    job(5, 'COMPLETED', { finishedAt: Date.now() - 5000 }),
    job(6, 'FAILED', { error: 'This is not a recording: an HTML page. Taken are wav, flac, ogg, opus, mp3.', attempt: 1, fileName: 'a-rather-long-name-of-a-recording-that-somebody-made.html' }),
    job(7, 'CANCELLED'),
  ];
  return desk;
}

const rows = (page) => page.locator('#jobs tr[data-job]');
const row = (page, number) => page.locator(`#jobs tr[data-job$="${String(number).padStart(12, '0')}"]`);
const count = (page, state) => page.locator(`.tile[data-of="${state}"] b`).textContent();

test('jobs in every state, the charts and the actors', async () => {
  const desk = everyState();
  const page = await openBoard(desk);
  await rows(page).nth(6).waitFor();
  assert.equal(new URL(page.url()).hash, '');
  for (const state of ['QUEUED', 'ANALYZING', 'COMPLETED', 'FAILED', 'CANCELLED']) assert.equal(await count(page, state), '1');
  assert.equal(await count(page, 'TRANSCRIBING'), '2');
  assert.match(await row(page, 6).textContent(), /not a recording/);
  assert.match(await row(page, 2).textContent(), /waits for a transcriber/);
  assert.match(await page.locator('#actors').textContent(), /transcriber-2.*draining/s);
  assert.match(await page.locator('#actors').textContent(), /silent for/);
  assert.match(await page.locator('#stores').textContent(), /sqlite.*3.2 GB of 50 GB/s);
  assert.match(await page.locator('#quarantine').textContent(), /ten workers died/);
  assert.match(await page.locator('#now-frames').textContent(), /480/);
  await until(() => page.evaluate(() => Chart.getChart('plot-frames').data.datasets[0].data.length > 600), 'the hour is in the chart');
  await shot(page, 'dashboard');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'dashboard-dark');
  await close(page);
});

test('progress and words come by themselves, and never go back', async () => {
  const desk = everyState();
  const page = await openBoard(desk);
  await rows(page).nth(6).waitFor();
  await until(() => desk.sockets.size === 1, 'it watches');
  desk.change(desk.jobs[0], { progress: 61 }, 'job.progress', 'go forward ten meters');
  await until(async () => /61 %.*go forward ten meters/s.test(await row(page, 1).textContent()), 'progress is shown');
  desk.tell('job.progress', eventOf({ ...desk.jobs[0], version: 1, progress: 3 }));
  desk.change(desk.jobs[0], { status: 'COMPLETED', progress: 100 }, 'job.completed');
  await until(async () => /Completed.*100 %/s.test(await row(page, 1).textContent()), 'it is completed');
  await until(async () => (await count(page, 'COMPLETED')) === '2', 'the count follows');
  desk.jobs.unshift(job(8, 'QUEUED'));
  desk.tell('job.queued', eventOf(desk.jobs[0]));
  await row(page, 8).waitFor();
  await close(page);
});

test('a job is searched, filtered, unfolded, cancelled, retried and deleted', async () => {
  const desk = everyState();
  const page = await openBoard(desk);
  await rows(page).nth(6).waitFor();
  await page.click('.tile[data-of="FAILED"]');
  await until(async () => (await rows(page).count()) === 1, 'only the failed one');
  await row(page, 6).locator('.name').click();
  await page.locator('.details dd', { hasText: 'This is not a recording' }).waitFor();
  await shot(page, 'dashboard-failed');
  await row(page, 6).getByRole('button', { name: 'Retry' }).click();
  await until(() => desk.jobs[5].status === 'QUEUED', 'it is tried again');
  await page.click('.tile[data-of="FAILED"]');
  await page.fill('#q', 'recording-5');
  await until(async () => (await rows(page).count()) === 1, 'only the one that was looked for');
  await row(page, 5).locator('.name').click();
  await page.locator('.details blockquote', { hasText: 'budget' }).waitFor();
  assert.match(await page.locator('.details').textContent(), /431, 143 a minute/);
  await shot(page, 'dashboard-completed');
  await row(page, 5).getByRole('button', { name: 'Delete' }).click();
  assert.ok(desk.jobs.some((one) => one.fileName === 'recording-5.mp3'), 'one press deletes nothing');
  await row(page, 5).getByRole('button', { name: 'sure' }).click();
  await until(() => !desk.jobs.some((one) => one.fileName === 'recording-5.mp3'), 'it is deleted');
  await page.locator('#none', { hasText: 'No job matches' }).waitFor();
  await page.fill('#q', '');
  await row(page, 1).getByRole('button', { name: 'Cancel' }).click();
  await row(page, 1).getByRole('button', { name: 'sure' }).click();
  await until(() => desk.jobs[0].status === 'CANCELLED', 'it is cancelled');
  await close(page);
});

test('closed without the token, and with a wrong one', async () => {
  const desk = everyState();
  const page = await newPage(browser);
  await desk.serve(page);
  await page.goto(`${web.url}/dashboard`);
  await page.waitForSelector('#door:not([hidden])');
  assert.ok(await page.isHidden('#panes'));
  await page.fill('#token', 'a wrong one');
  await page.press('#token', 'Enter');
  await page.locator('#door-trouble', { hasText: 'not the operator' }).waitFor();
  assert.ok(await page.isHidden('#panes'));
  await shot(page, 'dashboard-door');
  await page.fill('#token', desk.token);
  await page.press('#token', 'Enter');
  await rows(page).nth(6).waitFor();
  await page.reload();
  await rows(page).nth(6).waitFor();
  await page.click('#lock');
  await page.waitForSelector('#door:not([hidden])');
  await page.reload();
  await page.waitForSelector('#door:not([hidden])');
  await close(page);
});

test('on a phone nothing runs over the edge', async () => {
  const desk = everyState();
  const page = await openBoard(desk, PHONE);
  await rows(page).nth(6).waitFor();
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${over} px too wide`);
  await shot(page, 'dashboard-phone');
  await close(page);
});

test('many jobs come in pages', async () => {
  const desk = new FakeDesk();
  desk.jobs = Array.from({ length: 60 }, (_, i) => job(i + 1, 'COMPLETED'));
  const page = await openBoard(desk);
  await page.locator('#page', { hasText: 'Page 1 of 3' }).waitFor();
  await page.click('#next');
  await row(page, 26).waitFor();
  assert.equal(await rows(page).count(), 25);
  await close(page);
});
