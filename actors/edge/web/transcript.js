/**
 * The words on the page. Finals are appended to a log that screen readers follow; the partial is one line below it
 * that they leave alone. A *take* is what one press of the button, or one recording, brought.
 */

import { byId, element, timeOfDay } from './dom.js';
import { clock } from './messages.js';
import { PartialLine } from './partial-line.js';
import { Scroller } from './scroller.js';

const UNSURE = 0.5; // words less certain than this are marked, faintly

export class Transcript {
  #takes = [];
  #take = null;
  #said = new PartialLine(byId('partial-text'));
  #log = byId('transcript');
  #partial = byId('partial');
  #scroller = new Scroller(byId('scroll'), byId('latest'));
  #onChange;

  /** @param {() => void} onChange called whenever there is more or less to copy */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Anything to copy? */
  get empty() {
    return this.#takes.every((take) => take.lines.length === 0);
  }

  /** Has the current take brought no word yet? */
  get silent() {
    return !this.#take?.lines.length;
  }

  /** A new take begins; its words carry times from its own start. */
  begin(title) {
    const startedAt = new Date();
    const section = element('section', 'take');
    const heading = element('h2', 'take-title', title);
    const at = element('span', 'take-at', timeOfDay(startedAt));
    heading.append(at);
    const list = element('ol', 'utterances');
    section.append(heading, list);
    section.hidden = true; // until there is a word
    this.#log.append(section);
    this.#take = { title, startedAt, section, list, lines: [], offsetMs: 0 };
    this.#takes.push(this.#take);
    this.#scroller.follow();
  }

  /** The take goes on with a new stream, whose clock starts at zero, this long after the take began. */
  resumeAt(ms) {
    this.#take.offsetMs = ms;
  }

  /** Show what is being said; it replaces the partial before. */
  partial({ text, start_ms: startMs }) {
    if (!this.#said.show(text)) return this.clearPartial();
    byId('partial-time').textContent = Number.isFinite(startMs) ? clock(this.#take.offsetMs + startMs) : '';
    this.#partial.hidden = false;
    this.#take.section.hidden = false; // now, so that nothing moves when the words settle
    this.#changed();
  }

  clearPartial() {
    this.#said.clear();
    this.#partial.hidden = true;
    if (this.#take) this.#take.section.hidden = this.silent;
  }

  /** Words that will not change any more. */
  final({ text, start_ms: startedMs = 0, words, confidence }) {
    this.clearPartial();
    if (!text.trim()) return;
    const startMs = this.#take.offsetMs + startedMs;
    this.#take.lines.push({ startMs, text: text.trim() });
    const line = element('p');
    line.append(...render(text.trim(), words));
    if (!words?.length && confidence < UNSURE) line.classList.add('unsure');
    this.#append(element('li', 'utterance'), stamp(startMs), line);
  }

  /** The connection broke: keep what was provisional, say that it is, and say that something may be missing. */
  gap(message) {
    const { text } = this.#said;
    this.clearPartial();
    if (text) {
      this.#take.lines.push({ startMs: null, text });
      this.#append(element('li', 'utterance unsettled'), stamp(null), element('p', '', text));
    }
    const last = this.#take?.lines.at(-1);
    if (last && !last.note) {
      this.#take.lines.push({ startMs: null, text: `[${message}]`, note: true });
      this.#append(element('li', 'gap'), element('p', '', message));
    }
  }

  /** Take everything away. @returns {() => void} puts it back */
  clear() {
    const before = this.#takes;
    const nodes = [...this.#log.children];
    const current = this.#take;
    this.#takes = [];
    this.#log.replaceChildren();
    this.clearPartial();
    if (current) {
      this.begin(current.title);
      this.#take.offsetMs = current.offsetMs;
    }
    this.#changed();
    return () => {
      this.#log.setAttribute('aria-live', 'off'); // it has been read before
      this.#log.prepend(...nodes);
      this.#takes.unshift(...before);
      this.#changed();
      requestAnimationFrame(() => this.#log.setAttribute('aria-live', 'polite'));
    };
  }

  /** The words alone, a line an utterance. */
  toText() {
    const takes = this.#takes.filter((take) => take.lines.length);
    return takes.map((take) => take.lines.map((line) => line.text).join('\n')).join('\n\n');
  }

  /** The words with titles and times, for a file. */
  toTimedText() {
    const takes = this.#takes.filter((take) => take.lines.length);
    const row = ({ startMs, text }) => `${startMs === null ? '' : `[${clock(startMs)}] `}${text}`;
    const block = ({ title, startedAt, lines }) =>
      [`${title}, ${startedAt.toLocaleString()}`, '', ...lines.map(row)].join('\n');
    return `${takes.map(block).join('\n\n')}\n`;
  }

  #append(item, ...children) {
    item.append(...children);
    this.#take.list.append(item);
    this.#take.section.hidden = false;
    this.#changed();
  }

  #changed() {
    this.#onChange();
    this.#scroller.keepUp();
  }
}

function render(text, words) {
  const tokens = split(text);
  if (words?.length !== tokens.length) return [text];
  return tokens.flatMap((token, i) => {
    const gap = i ? [' '] : [];
    const sure = words[i].confidence;
    if (!(sure < UNSURE)) return [...gap, token];
    const marked = element('span', 'unsure', token);
    marked.title = `${Math.round(sure * 100)} % sure`;
    return [...gap, marked];
  });
}

function stamp(ms) {
  const time = element('time', '', ms === null ? '' : clock(ms));
  if (ms !== null) time.dateTime = `PT${(ms / 1000).toFixed(2)}S`;
  return time;
}

function split(text) {
  return (text ?? '').trim().split(/\s+/).filter(Boolean);
}
