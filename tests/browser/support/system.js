/** The whole system as a person starts it: `earshot up`. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const READY_MS = 30_000;

export class System {
  /** @param {string} bin folder of the binaries @param {string} data folder for what the system keeps */
  constructor(bin, data, ...more) {
    this.more = more; // of the command line
    this.command = join(bin, 'earshot');
    this.data = data;
    this.port = 0; // drawn at the first start, kept for the next ones
  }

  /** Resolves with the address of the page when the system says that it is ready. */
  async start() {
    const options = ['--port', String(this.port), '--engine', 'pocketsphinx', '--transcribers', '1', '--data', this.data, ...this.more];
    this.child = spawn(this.command, ['up', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.log = [];
    const url = await this.#ready();
    this.port = Number(new URL(url).port);
    return url;
  }

  async #ready() {
    const { child, log } = this;
    const ready = new Promise((resolve, reject) => {
      const listen = (stream) =>
        createInterface(stream).on('line', (line) => {
          log.push(line);
          const [, url] = line.match(/\bready (http:\S+)/) ?? [];
          if (url) resolve(url);
        });
      listen(child.stdout);
      listen(child.stderr);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`earshot up ended with ${code}\n${log.join('\n')}`)));
      const deadline = AbortSignal.timeout(READY_MS);
      deadline.onabort = () => reject(new Error(`earshot up is not ready after ${READY_MS} ms\n${log.join('\n')}`));
    });
    return ready;
  }

  /** A signal for one of its actors; `earshot up` starts it again. */
  kill(actor, signal = 'SIGKILL') {
    process.kill(Number(readFileSync(join(this.data, 'run', `${actor}.pid`), 'utf8')), signal);
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}
