/**
 * One line above the controls for what a person should know now. A notice has a topic; when the matter is settled,
 * the topic is cleared, which leaves a newer notice about something else alone.
 */

const BRIEF_MS = 6000;

export class Notice {
  #box = document.getElementById('notice');
  #text = document.getElementById('notice-text');
  #action = document.getElementById('notice-action');
  #close = document.getElementById('notice-close');
  #topic = null;
  #onAction = null;
  #timer;

  constructor() {
    this.#close.addEventListener('click', () => this.clear());
    this.#action.addEventListener('click', () => {
      const act = this.#onAction;
      if (this.#topic !== 'offline') this.clear(); // that one stays until it is true no more
      act?.();
    });
  }

  /**
   * @param {'trouble'|'hint'|'good'} kind
   * @param {string} text
   * @param {{topic?: string, action?: string, onAction?: () => void, brief?: boolean}} [more]
   */
  show(kind, text, { topic = 'general', action, onAction, brief = false } = {}) {
    clearTimeout(this.#timer);
    this.#topic = topic;
    this.#onAction = onAction ?? null;
    this.#box.dataset.kind = kind;
    this.#box.setAttribute('role', kind === 'trouble' ? 'alert' : 'status');
    this.#box.hidden = false;
    if (this.#text.textContent !== text) this.#text.textContent = text; // the same again is not read out again
    this.#action.hidden = !action;
    this.#action.textContent = action ?? '';
    this.#close.hidden = topic === 'offline' || topic === 'queue';
    if (brief) this.#timer = setTimeout(() => this.clear(topic), BRIEF_MS);
  }

  get shown() {
    return !this.#box.hidden;
  }

  /** Take the notice away; with a topic, only if it is about that. */
  clear(topic) {
    if (topic !== undefined && topic !== this.#topic) return;
    clearTimeout(this.#timer);
    this.#topic = null;
    this.#box.hidden = true;
    this.#text.textContent = '';
  }
}
