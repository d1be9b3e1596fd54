/**
 * What a page sends of its microphone, and what the house understands of the same audio when nobody disturbs it. A browser on a
 * busy machine drops samples, so that nobody knows beforehand what it will be; the words must be those of what it was.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const RATE = 16000;

/** Keep what this page will send. Before it is opened. */
export function listenIn(page) {
  return page.addInitScript(() => {
    const known = new WeakSet(); // what is sent again on the next connection is the same array
    const { send } = WebSocket.prototype;
    window.sentAudio = [];
    WebSocket.prototype.send = function (data) {
      if (ArrayBuffer.isView(data) && !known.has(data)) {
        known.add(data);
        window.sentAudio.push(data.slice());
      }
      return send.call(this, data);
    };
  });
}

/** Wait until so much audio was sent. */
export function hasSent(page, seconds) {
  const bytes = seconds * RATE * 2;
  return page.waitForFunction((want) => window.sentAudio.reduce((sum, { byteLength }) => sum + byteLength, 0) >= want, bytes);
}

/** @param {System} system which hears it @returns {Promise<string[]>} the finals of all that was sent so far */
export async function understood(page, system) {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-sent-'));
  try {
    const file = join(folder, 'sent.raw');
    writeFileSync(file, Buffer.from(await page.evaluate(base64OfSent), 'base64'));
    const { stdout } = await promisify(execFile)(system.command, ['stream', '--data', system.data, '--fast', '--rate', `${RATE}`, file]);
    return stdout.split('\n').filter(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function base64OfSent() {
  let binary = '';
  for (const chunk of window.sentAudio) for (const byte of chunk) binary += String.fromCharCode(byte);
  return btoa(binary);
}
