/** A Chromium whose microphone plays a file, and pages that remember everything that went wrong on them. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--host-resolver-rules=MAP ears 127.0.0.1', // a name that is not localhost, so not a secure origin
];

export function launch(recording) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args: [...FLAGS, `--use-file-for-fake-audio-capture=${recording}%noloop`],
  });
}

/** A page of its own, with `page.troubles`: console errors, exceptions and violations of the security policy. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  page.troubles = [];
  page.on('pageerror', (error) => page.troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.troubles.push(message.text()));
  await page.exposeFunction('reportViolation', (text) => page.troubles.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      window.reportViolation(`policy ${event.violatedDirective}: ${event.blockedURI}`),
    );
  });
  return page;
}

/** Into the folder EARSHOT_SHOTS, if there is one. */
export async function shot(page, name) {
  const folder = process.env.EARSHOT_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
