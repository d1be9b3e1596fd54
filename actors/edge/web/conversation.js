/**
 * The conversation of a room on the page: what was said, who is speaking, what is being sent, and honest marks where
 * something is missing. Screen readers follow the log, though not the history that comes on entering.
 */

import { byId } from './dom.js';
import { beginning, missing } from './room-messages.js';
import { Scroller } from './scroller.js';
import { Speaking } from './speaking.js';
import { Turns } from './turns.js';
import { Unsent } from './unsent.js';

const KEPT = 600; // turns and notes on the page; older ones can be asked for again
const KEPT_FOR_READER = 2400; // who looks back
const SLACK = 100; // they go by the hundred
const PAGE = 50;

export class Conversation {
  #log = byId('talk');
  #earlier = byId('earlier');
  #begin = byId('talk-begin');
  #scroller = new Scroller(byId('talk-scroll'), byId('talk-latest'));
  #speaking = new Speaking(byId('talk-speaking'));
  #unsent;
  #turns;
  #room;
  #first; // the oldest event on the page
  #replay = true; // what comes is history

  /** @param {(text: string) => void} onAgain say this once more */
  constructor(onAgain) {
    this.#unsent = new Unsent(byId('talk-unsent'), onAgain);
    this.#earlier.addEventListener('click', () => this.#showEarlier());
  }

  /** Another room: nothing of the last one stays. */
  open(room) {
    this.#room = room;
    this.#turns = new Turns(this.#log);
    this.#first = room.opening.from;
    this.#log.replaceChildren();
    this.#log.setAttribute('aria-live', 'off');
    this.#unsent.clear();
    this.interrupt();
    this.#showBeginning(this.#first > 1 ? 'more' : 'whole');
    this.#scroller.follow();
  }

  /** The history is here: from now on everything is read out. */
  live() {
    this.#replay = false;
    this.#log.setAttribute('aria-live', 'polite');
    this.#scroller.keepUp();
    this.#showBeginning();
    this.#lookBack();
  }

  add(type, event) {
    if (type === 'caption') this.#speaking.settle(event);
    if (type === 'left') this.#speaking.drop(event.member);
    if (event.own && event.msg_id !== undefined) this.#unsent.settle(event.msg_id);
    this.#turns.add(type, event);
    this.#shorten();
    if (!this.#replay) this.#scroller.keepUp();
  }

  partial(event) {
    this.#speaking.show(event);
    this.#scroller.keepUp();
  }

  gap(gap) {
    this.#turns.addNotice(missing(gap));
    this.#scroller.keepUp();
  }

  /** The connection is lost: who speaks is not known any more, and what comes next is history. */
  interrupt() {
    this.#replay = true;
    this.#speaking.clear();
  }

  sending(msgId, text) {
    this.#unsent.add(msgId, text);
    this.#scroller.follow();
  }

  sent(msgId) {
    this.#unsent.sent(msgId);
  }

  failed(msgId, words) {
    this.#unsent.fail(msgId, words);
    this.#scroller.keepUp();
  }

  async #showEarlier() {
    const room = this.#room;
    this.#earlier.disabled = true;
    try {
      const page = await room.history({ before: this.#first, limit: PAGE });
      if (room === this.#room) this.#prepend(page);
    } catch {
      // the room was left, or the server said why; the button stays
    }
    this.#earlier.disabled = false;
  }

  /** Is there anything before the first line, where the server says that some of it is gone? */
  async #lookBack() {
    const room = this.#room;
    if (room.opening.complete || this.#first === 1) return;
    const { events } = await room.history({ before: this.#first, limit: 1 }).catch(() => ({ events: [null] }));
    if (room === this.#room && !events.length) this.#showBeginning('gone');
  }

  #prepend({ events, from, complete }) {
    const older = document.createDocumentFragment();
    const turns = new Turns(older);
    for (const { type, ...event } of events) turns.add(type, event);
    this.#scroller.hold(() => {
      const head = this.#log.firstElementChild;
      if (head?.dataset.day === turns.day) head.remove();
      this.#log.prepend(older);
    });
    this.#first = Math.min(this.#first, from);
    this.#showBeginning(complete ? 'whole' : events.length ? 'more' : 'gone');
    if (events.length && !complete) this.#lookBack();
  }

  /** The page does not grow for ever. */
  #shorten() {
    const most = this.#scroller.following ? KEPT : KEPT_FOR_READER;
    if (this.#log.childElementCount <= most + SLACK) return;
    this.#scroller.hold(() => {
      const numbered = () => this.#log.firstElementChild.dataset.rseq !== undefined;
      while (this.#log.childElementCount > most || !numbered()) this.#log.firstElementChild.remove();
    });
    this.#first = Number(this.#log.firstElementChild.dataset.rseq);
    this.#showBeginning('more');
  }

  #showBeginning(what = this.#begin.dataset.what) {
    const empty = this.#log.childElementCount === 0;
    this.#begin.dataset.what = what;
    this.#begin.textContent = beginning(what, empty);
    this.#earlier.hidden = what !== 'more';
  }
}
