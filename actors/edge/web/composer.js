/** Where a message is written: Enter sends, Shift and Enter begins a new line; as long as the server takes. */

import { byId, say } from './dom.js';

const MOST = 2048; // bytes
const NEAR = 200; // bytes before that, what is left is shown

const encoder = new TextEncoder();

export class Composer {
  #box = byId('say');
  #left = byId('say-left');
  #send = byId('say-send');
  #onSend;

  /** @param {(text: string) => void} onSend */
  constructor(onSend) {
    this.#onSend = onSend;
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('input', () => this.#fit());
    this.#box.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  /** A new room. */
  open(room) {
    byId('say-label').textContent = `Message to ${room}`;
    this.#box.value = '';
    this.#fit();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  #submit() {
    const text = this.#text();
    if (!text || this.#excess() > 0) return;
    this.#box.value = '';
    this.#fit();
    this.#onSend(text);
  }

  /** What the server takes of it: line feeds and tabs, no other control characters, no halves of letters. */
  #text() {
    const lines = this.#box.value.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, '');
    return lines.replace(/\p{Cs}/gu, '\ufffd').trim();
  }

  #excess() {
    return encoder.encode(this.#text()).length - MOST;
  }

  #fit() {
    this.#box.style.height = 'auto';
    this.#box.style.height = `${this.#box.scrollHeight}px`;
    const excess = this.#excess();
    say(this.#left, excess > 0 ? `${excess} letters too long` : excess > -NEAR ? `${-excess} letters left` : '');
    this.#left.classList.toggle('too-long', excess > 0);
    this.#send.disabled = excess > 0 || excess === -MOST;
  }
}
