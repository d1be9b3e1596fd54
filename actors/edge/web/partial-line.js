/** Words that are still being said: what stayed since the last time is set apart from what is new. */

import { element } from './dom.js';

export class PartialLine {
  #line;
  #words = [];

  /** @param {HTMLElement} line */
  constructor(line) {
    this.#line = line;
  }

  get text() {
    return this.#words.join(' ');
  }

  /** Replaces what was shown. @returns {boolean} are there any words? */
  show(text) {
    const words = (text ?? '').trim().split(/\s+/).filter(Boolean);
    let same = 0;
    while (same < words.length && words[same] === this.#words[same]) same++;
    this.#words = words;
    const fresh = element('span', 'fresh', words.slice(same).join(' '));
    this.#line.replaceChildren(words.slice(0, same).join(' ') + (same ? ' ' : ''), fresh);
    return words.length > 0;
  }

  clear() {
    this.#words = [];
    this.#line.replaceChildren();
  }
}
