/**
 * What was said and what happened in a room, as a list. Lines of one person that follow one another are a turn; who came
 * and went in a row is one note; each day begins with its name.
 */

import { element, icon, timeOfDay } from './dom.js';
import { face, nameTag } from './face.js';

const PAUSE_MS = 5 * 60_000; // after that a new turn begins
const LINES = 20; // in a turn
const COMINGS = 6; // in a note

const PRESENCE = { joined: 'joined', left: 'left' };

export class Turns {
  #list;
  #turn = null; // { member, at, lines }
  #note = null; // { node, count }
  #day = null;

  /** @param {HTMLElement|DocumentFragment} list */
  constructor(list) {
    this.#list = list;
  }

  /** The day of the last event, or null. */
  get day() {
    return this.#day;
  }

  /** @param {'message'|'caption'|'joined'|'left'} type */
  add(type, event) {
    this.#beginDay(new Date(event.time));
    if (PRESENCE[type]) this.#addPresence(type, event);
    else this.#linesOf(event).append(line(type, event));
  }

  /** Something that everybody should know, for example that events are missing. */
  addNotice(text) {
    this.#turn = this.#note = null;
    this.#list.append(element('li', 'happening missing', text));
  }

  #beginDay(date) {
    const day = date.toDateString();
    if (day === this.#day) return;
    this.#day = day;
    this.#turn = this.#note = null;
    const node = element('li', 'day', dayName(date));
    node.dataset.day = day;
    this.#list.append(node);
  }

  #linesOf(event) {
    const { member, time: at } = event;
    const last = this.#turn;
    this.#note = null;
    if (last?.member === member && at - last.at < PAUSE_MS && last.lines.childElementCount < LINES) {
      last.at = at;
      return last.lines;
    }
    const { node, lines } = turn(event);
    this.#list.append(node);
    this.#turn = { member, at, lines };
    return lines;
  }

  #addPresence(type, event) {
    this.#turn = null;
    if (!this.#note || this.#note.count === COMINGS) {
      this.#note = { node: element('li', 'happening'), count: 0 };
      stamp(this.#note.node, event);
      this.#list.append(this.#note.node);
    }
    const one = element('span', 'coming');
    one.append(nameTag(event.name, event.own), ` ${PRESENCE[type]}`);
    if (this.#note.count) this.#note.node.append(' · ');
    this.#note.node.append(one);
    this.#note.count += 1;
  }
}

/** A turn without lines yet. @returns {{node: HTMLElement, lines: HTMLElement}} */
export function turn(event) {
  const node = element('li', 'turn');
  if (event.own) node.classList.add('own');
  stamp(node, event);
  const head = element('p', 'turn-head');
  head.append(nameTag(event.name, event.own));
  if (event.time) head.append(time(event.time));
  const lines = element('div', 'lines');
  node.append(face(event.member, event.name), head, lines);
  return { node, lines };
}

function line(type, event) {
  const node = element('p', `line ${type === 'caption' ? 'spoken' : 'written'}`);
  if (type === 'caption') node.append(icon('voice', 'line-mark'), element('span', 'unseen', `${event.name} says: `));
  else node.append(element('span', 'unseen', `${event.name} writes: `));
  const text = element('span', 'line-text', event.text);
  text.dir = 'auto';
  node.append(text);
  if (type === 'message' && event.own) node.append(sentMark());
  return node;
}

function sentMark() {
  const mark = element('span', 'sent');
  mark.title = 'Sent';
  mark.append(icon('check'), element('span', 'unseen', ' Sent'));
  return mark;
}

function stamp(node, { rseq }) {
  if (rseq !== undefined) node.dataset.rseq = String(rseq);
}

function time(ms) {
  const date = new Date(ms);
  const node = element('time', '', timeOfDay(date));
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString();
  return node;
}

function dayName(date) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return 'Today';
  if (date.toDateString() === yesterday.toDateString()) return 'Yesterday';
  return date.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
}
