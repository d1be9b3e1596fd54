/** Own messages that are not in the log yet: on their way, confirmed, or failed and waiting for a decision. */

import { element } from './dom.js';

const SLOW_MS = 400; // faster than that nobody needs to be told

export class Unsent {
  #list;
  #onAgain;
  #rows = new Map(); // msg_id to { node, status, text, timer }

  /** @param {HTMLElement} list @param {(text: string) => void} onAgain say this once more */
  constructor(list, onAgain) {
    this.#list = list;
    this.#onAgain = onAgain;
  }

  add(msgId, text) {
    const node = element('li', 'unsent');
    const line = element('p', 'line written');
    const words = element('span', 'line-text', text);
    words.dir = 'auto';
    line.append(words);
    const status = element('p', 'unsent-status');
    node.append(line, status);
    this.#list.append(node);
    const timer = setTimeout(() => (status.textContent = 'Sending…'), SLOW_MS);
    this.#rows.set(msgId, { node, status, text, timer });
  }

  /** It is stored; its event will be here soon. */
  sent(msgId) {
    const row = this.#rows.get(msgId);
    if (!row) return;
    clearTimeout(row.timer);
    row.status.textContent = 'Sent';
  }

  /** It is in the log. */
  settle(msgId) {
    const row = this.#rows.get(msgId);
    if (!row) return;
    clearTimeout(row.timer);
    row.node.remove();
    this.#rows.delete(msgId);
  }

  fail(msgId, words) {
    const row = this.#rows.get(msgId);
    if (!row) return;
    clearTimeout(row.timer);
    row.node.classList.add('failed');
    const again = this.#button('Send again', () => {
      this.settle(msgId);
      this.#onAgain(row.text);
    });
    row.status.replaceChildren(element('span', '', words), again, this.#button('Discard', () => this.settle(msgId)));
    row.status.setAttribute('role', 'alert');
  }

  clear() {
    for (const msgId of this.#rows.keys()) this.settle(msgId);
  }

  #button(label, act) {
    const button = element('button', 'unsent-act', label);
    button.type = 'button';
    button.addEventListener('click', act);
    return button;
  }
}
