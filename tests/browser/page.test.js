/** The page in a real Chromium, its microphone fed with speech, against the real system. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, newPage, shot } from './support/chromium.js';
import { layout } from './support/layout.js';
import { hasSent, listenIn, understood } from './support/microphone.js';
import { speak } from './support/speech.js';
import { System } from './support/system.js';
import { until } from './support/until.js';

const WORDS = 'one two three four five'; // the recording
const SPOKEN = `${WORDS} monday tuesday wednesday thursday friday`; // into the microphone: long enough for partials
const MIDST_S = 3.5;
const SPOKEN_S = 8; // with the quiet before it, and enough after it
const scratch = mkdtempSync(join(tmpdir(), 'earshot-page-'));
const system = new System(process.env.EARSHOT_BIN, join(scratch, 'data'));
let browser, url, recording;

before(async () => {
  recording = speak(scratch, WORDS, { before: 0.5, after: 1 });
  browser = await launch(speak(scratch, SPOKEN.replace(' monday', ', monday'), { before: 1.5, after: 60 }));
  url = await system.start();
});

after(async () => {
  await browser?.close();
  await system.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function openPage(options, address = url) {
  const page = await newPage(browser, options);
  await listenIn(page);
  await page.goto(address);
  await linkIs(page, 'open');
  return page;
}

const linkIs = (page, link) => page.waitForFunction((want) => document.body.dataset.link === want, link);
const stateIs = (page, state) => page.waitForFunction((want) => document.body.dataset.state === want, state);
const noticeSays = (page, text) =>
  page.waitForFunction((want) => document.getElementById('notice-text').textContent.includes(want), text);
const noticeIsNotAbout = (page, text) =>
  page.waitForFunction((what) => !document.getElementById('notice-text').textContent.includes(what), text);
const wordsOf = (page) =>
  page.evaluate(() => [...document.querySelectorAll('#transcript .utterance > p')].map((p) => p.textContent).join(' '));
const wordsAre = async (page, words) => {
  let shown;
  const same = async () => (shown = await wordsOf(page)) === words;
  await until(same, () => `the words are “${shown}” instead of “${words}”`);
};

/** The page has heard all of SPOKEN, and shows what there was to understand. */
async function spokenIsShown(page) {
  await hasSent(page, SPOKEN_S);
  const words = (await understood(page, system)).join(' ');
  assert.match(words, /\w+ \w+ \w+/);
  await wordsAre(page, words);
}

/** Keeps every provisional text that the page shows. */
function watchPartials(page) {
  return page.evaluate(() => {
    window.partials = [];
    const line = document.getElementById('partial-text');
    const note = () => line.textContent && window.partials.push(line.textContent);
    new MutationObserver(note).observe(line, { childList: true, subtree: true, characterData: true });
  });
}

async function readFile(page, file = recording) {
  await page.setInputFiles('#file', file);
  await wordsAre(page, WORDS);
  await stateIs(page, 'idle');
}

/** As if the file were let go over the page. */
async function dropFile(page, file) {
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], 'dropped.wav', { type: 'audio/wav' }));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }
  }, readFileSync(file).toString('base64'));
}

test('press, speak, read: words while they are spoken, and the same words when they settle', async () => {
  const page = await openPage();
  await shot(page, 'desktop-idle');
  await watchPartials(page);
  await page.click('#mic');
  await stateIs(page, 'listening');
  await page.waitForFunction(() => window.partials.length > 0);
  await shot(page, 'desktop-partial');
  assert.equal(await page.getAttribute('#mic', 'aria-label'), null);
  assert.equal(await page.textContent('#mic-label'), 'Stop listening');
  await spokenIsShown(page);
  await shot(page, 'desktop-words');
  await page.click('#mic');
  await stateIs(page, 'idle');
  await spokenIsShown(page);
  assert.ok(await page.isHidden('#partial'));
  assert.ok(await page.isHidden('#notice'));
  assert.equal(await page.getAttribute('#transcript', 'aria-live'), 'polite');
  assert.equal(await page.getAttribute('#partial', 'aria-live'), 'off');
  assert.match(await page.textContent('.utterance time'), /^0:0\d$/);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('by keyboard alone, and stopping in the middle loses nothing', async () => {
  const page = await openPage();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'mic');
  await page.keyboard.press('Space');
  await stateIs(page, 'listening');
  await hasSent(page, MIDST_S);
  await page.keyboard.press('Enter');
  await stateIs(page, 'idle');
  await wordsAre(page, (await understood(page, system)).join(' '));
  await page.keyboard.press('Shift+Tab');
  const focus = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return { id: document.activeElement.id, visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
  });
  assert.deepEqual(focus, { id: 'open', visible: true });
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('where the browser does not resample a microphone, the page does', async () => {
  const page = await openPage();
  const rate = await page.evaluate(() => {
    const Native = window.AudioContext;
    window.AudioContext = class extends Native {
      constructor(options) {
        if (options.sampleRate) throw new DOMException('as some browsers do', 'NotSupportedError');
        super(options);
      }
    };
    return new Native().sampleRate;
  });
  assert.notEqual(rate, 16000, 'the device itself is at another rate');
  await page.click('#mic');
  await spokenIsShown(page);
  await page.click('#mic');
  await stateIs(page, 'idle');
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('a recording is read; its words can be copied, kept, cleared and brought back', async () => {
  const page = await openPage({ acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
  await readFile(page);
  assert.match(await page.textContent('.take-title'), /^one-two-three-four-five-1\.wav/);
  await page.click('#copy');
  await noticeSays(page, 'Copied');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), WORDS);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
  assert.match(download.suggestedFilename(), /^earshot .*\.txt$/);
  assert.match(readFileSync(await download.path(), 'utf8'), /^one-two.*\n\n\[0:0\d\] one two three four five\n$/);
  await page.click('#clear');
  assert.ok(await page.isVisible('#welcome'));
  await page.click('#notice-action');
  await wordsAre(page, WORDS);
  await page.setInputFiles('#file', { name: 'letter.txt', mimeType: 'audio/wav', buffer: Buffer.from('dear reader') });
  await noticeSays(page, '“letter.txt” is not a recording');
  await stateIs(page, 'idle');
  await shot(page, 'desktop-trouble');
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('on a phone everything fits, is large enough, and works', async () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' };
  const page = await openPage(phone);
  await shot(page, 'phone-idle');
  await page.tap('#mic');
  await spokenIsShown(page);
  await shot(page, 'phone-words');
  assert.deepEqual(await layout(page), { overflow: 0, outside: [], small: [], nameless: [] });
  await page.tap('#mic');
  await stateIs(page, 'idle');
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('a refused microphone and an insecure page are said in words', async () => {
  const page = await openPage();
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await page.click('#mic');
  await noticeSays(page, 'may not use the microphone');
  await stateIs(page, 'idle');
  assert.deepEqual(page.troubles, []);
  await page.context().close();

  const plain = await openPage({}, url.replace(/\/\/[^:/]+/, '//ears'));
  await plain.click('#mic');
  await noticeSays(plain, 'https');
  await dropFile(plain, recording); // recordings work all the same
  await wordsAre(plain, WORDS);
  await stateIs(plain, 'idle');
  assert.deepEqual(plain.troubles, []);
  await plain.context().close();
});

/** A server in the test's hand, for what the real one does only under load. @returns {(type, payload) => void} */
async function openWithFakeServer(heard) {
  const page = await newPage(browser);
  let say;
  await page.routeWebSocket('**/ws', (socket) => {
    say = (type, payload = {}) => socket.send(JSON.stringify({ type, payload, timestamp: 1 }));
    socket.onMessage((data) => typeof data === 'string' && heard(JSON.parse(data), say));
    say('welcome', { client_id: '0123456789abcdef', session: 's', token: 't', limits: {} });
  });
  await page.goto(url);
  await linkIs(page, 'open');
  return { page, say: (...message) => say(...message) };
}

test('whoever waits for a transcriber is told the place, a server that refuses is quoted', async () => {
  let refuse = false;
  const { page, say } = await openWithFakeServer(({ type }, answer) => {
    if (type === 'audio.start' && refuse) answer('error', { code: 'busy', message: 'No more streams.', ref: type });
    else if (type === 'audio.start') answer('status', { state: 'waiting', queue: 3 });
    if (type === 'audio.stop') answer('audio.done');
  });
  await page.click('#mic');
  await noticeSays(page, 'number 3 in the queue');
  await shot(page, 'desktop-queue');
  say('status', { state: 'waiting', queue: 1 });
  await noticeSays(page, 'you are next');
  say('status', { state: 'streaming' });
  await page.waitForFunction(() => document.getElementById('notice').hidden);
  await page.click('#mic');
  await noticeSays(page, 'No words were understood');
  refuse = true;
  await page.click('#mic');
  await noticeSays(page, 'The server says: No more streams.');
  await stateIs(page, 'idle');
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test('the newest words stay in view until the reader looks back; uncertain words are marked', async () => {
  const { page, say } = await openWithFakeServer(({ type }, answer) => type === 'audio.stop' && answer('audio.done'));
  await page.click('#mic');
  await stateIs(page, 'listening');
  const words = ['perhaps', 'this'].map((text, i) => ({ text, start_ms: 0, end_ms: 1, confidence: i ? 0.9 : 0.3 }));
  const line = (n) => say('transcript', { text: 'perhaps this', final: true, start_ms: n * 1000, end_ms: n * 1000 + 900, words });
  const linesAre = (n) => page.waitForFunction((want) => document.querySelectorAll('.utterance > time[datetime]').length === want, n);
  const atEnd = () =>
    page.waitForFunction(() => {
      const { scrollHeight, scrollTop, clientHeight } = document.getElementById('scroll');
      return scrollHeight > clientHeight && scrollHeight - scrollTop - clientHeight < 2;
    });
  for (let n = 0; n < 40; n++) line(n);
  await linesAre(40);
  await atEnd();
  assert.equal(await page.textContent('.utterance .unsure'), 'perhaps');
  assert.equal(await page.getAttribute('.utterance .unsure', 'title'), '30 % sure');
  await page.evaluate(() => (document.getElementById('scroll').scrollTop = 0));
  await page.evaluate(() => new Promise(requestAnimationFrame)); // the scroll event comes before the next frame
  line(40);
  await page.waitForSelector('#latest:not([hidden])');
  await page.click('#latest');
  await atEnd();
  assert.ok(await page.isHidden('#latest'));
  await page.click('#mic');
  await stateIs(page, 'idle');
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

for (const signal of ['SIGKILL', 'SIGTERM']) {
  test(`${signal} for the edge in mid-sentence: the page says that it comes back, and the text is whole`, async () => {
    const page = await openPage();
    await page.click('#mic');
    await hasSent(page, MIDST_S);
    await page.evaluate(() => {
      window.notices = [];
      const text = document.getElementById('notice-text');
      new MutationObserver(() => window.notices.push(text.textContent)).observe(text, { childList: true });
    });
    system.kill('edge', signal);
    await spokenIsShown(page);
    const notices = await page.evaluate(() => window.notices);
    assert.match(notices[0], /connection to the server is lost; trying again. Keep talking: nothing is lost/);
    await page.click('#mic');
    await stateIs(page, 'idle');
    await spokenIsShown(page);
    assert.equal(await page.locator('.gap').count(), 0);
    assert.ok(await page.isHidden('#notice'));
    const unexpected = page.troubles.filter((text) => !/^WebSocket connection to .* failed/.test(text));
    assert.deepEqual(unexpected, []);
    await page.context().close();
  });
}

test('a server that goes is missed, and found again when it is back', async () => {
  const page = await openPage();
  await page.click('#mic');
  await spokenIsShown(page);
  await system.stop();
  await linkIs(page, 'waiting');
  await noticeSays(page, 'connection to the server is lost');
  await shot(page, 'desktop-lost');
  assert.equal(await system.start(), url, 'the same port');
  await linkIs(page, 'open');
  await noticeIsNotAbout(page, 'server');
  assert.equal(await page.locator('.gap').count(), 0);
  await page.click('#mic'); // it went on listening
  await stateIs(page, 'idle');
  await page.click('#clear');
  await readFile(page);
  const unexpected = page.troubles.filter((text) => !/^WebSocket connection to .* failed/.test(text));
  assert.deepEqual(unexpected, []);
  await page.context().close();
});
