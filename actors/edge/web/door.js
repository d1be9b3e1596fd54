/** The way into a room: which one, and under which name. The name is remembered in this browser. */

import { byId, say } from './dom.js';

const KEY = 'earshot.name';

export class Door {
  #form = byId('door');
  #room = byId('door-room');
  #name = byId('door-name');
  #enter = byId('door-enter');
  #cancel = byId('door-cancel');
  #trouble = byId('door-trouble');

  /** @param {(room: string, name: string) => void} onEnter @param {() => void} onCancel */
  constructor(onEnter, onCancel) {
    this.#name.value = this.name ?? '';
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const [room, name] = [tidy(this.#room.value), tidy(this.#name.value)];
      if (!room || !name) return (room ? this.#name : this.#room).focus();
      this.#remember(name);
      return onEnter(room, name);
    });
    this.#cancel.addEventListener('click', onCancel);
  }

  /** The remembered name, or null. */
  get name() {
    try {
      return localStorage.getItem(KEY) || null;
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  /** Ask. @param {{room?: string|null, trouble?: string, focus?: boolean}} with */
  ask({ room, trouble = '', focus = false }) {
    if (room) this.#room.value = room;
    this.#become(false);
    say(this.#trouble, trouble);
    if (focus) (this.#room.value ? this.#name : this.#room).focus({ preventScroll: true });
  }

  /** It was knocked, nobody has opened yet. */
  wait(room) {
    this.#room.value = room;
    say(this.#trouble, '');
    this.#become(true);
  }

  /** While waiting: why it takes so long. */
  note(text) {
    say(this.#trouble, text);
  }

  #become(busy) {
    this.#form.setAttribute('aria-busy', String(busy));
    for (const field of [this.#room, this.#name, this.#enter]) field.disabled = busy;
    this.#enter.textContent = busy ? 'Entering…' : 'Enter';
  }

  #remember(name) {
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // then it is asked for again next time
    }
  }
}

/** One line without control characters, as names must be. */
function tidy(text) {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
