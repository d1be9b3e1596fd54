/** Poll until it is so. @param {() => any} probe may be async @returns what it returned at last */

import { setInterval } from 'node:timers/promises';

const EVERY_MS = 50;

export async function until(probe, what, deadlineMs = 30_000) {
  const end = Date.now() + deadlineMs;
  for await (const _ of setInterval(EVERY_MS)) {
    const result = await probe();
    if (result) return result;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'function' ? what() : what}`);
  }
}
