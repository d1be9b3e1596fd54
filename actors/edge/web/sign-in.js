/** Asks for a token where the server wants to know who comes. It is kept for this tab alone. */

import { byId, say } from './dom.js';

const KEY = 'earshot-token';

export class SignIn {
  #dialog = byId('sign-in');
  #token = byId('sign-in-token');

  /** @param {(token: string) => void} onToken */
  constructor(onToken) {
    byId('sign-in-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const token = this.#token.value.trim();
      this.#token.value = '';
      this.#keep(token);
      this.#dialog.close();
      onToken(token);
    });
  }

  /** The token of this tab, or ''. */
  get token() {
    try {
      return sessionStorage.getItem(KEY) ?? '';
    } catch {
      return ''; // a browser that keeps nothing
    }
  }

  /** @param {string} trouble what was wrong with the one before, or '' */
  ask(trouble) {
    this.#keep('');
    say(byId('sign-in-trouble'), trouble);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #keep(token) {
    try {
      if (token) sessionStorage.setItem(KEY, token);
      else sessionStorage.removeItem(KEY);
    } catch {
      // then it is asked for again
    }
  }
}
