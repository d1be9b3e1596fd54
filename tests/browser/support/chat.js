/** `earshot chat` in a pipe: lines in, what the server says out. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Chat {
  messages = []; // { type, and the fields of its payload }

  /** @param {string} bin folder of the binaries @param {string} url of the page @param {string} room @param {string} name */
  constructor(bin, url, room, name) {
    const ws = `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`;
    this.child = spawn(join(bin, 'earshot'), ['chat', '--url', ws, '--name', name, room], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = once(this.child, 'exit');
    createInterface(this.child.stdout).on('line', (line) => this.messages.push(JSON.parse(line)));
  }

  write(text) {
    this.child.stdin.write(`${text}\n`);
  }

  /** What was said, in order: messages and final captions. */
  get lines() {
    const worthy = ({ type, final }) => type === 'room.message' || (type === 'room.caption' && final);
    return this.messages.filter(worthy).map(({ text }) => text);
  }

  /** The end of its input: it leaves once all is confirmed. @returns {Promise<number>} exit code */
  async end() {
    this.child.stdin.end();
    const [code] = await this.ended;
    return code;
  }

  kill() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
  }
}
