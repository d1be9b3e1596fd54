/** Who is speaking now, one line for each voice; a caption takes the line's place when the words are final. */

import { element, icon } from './dom.js';
import { face, nameTag } from './face.js';
import { PartialLine } from './partial-line.js';

const SILENT_MS = 20_000; // without another word: the speaker is gone, or the captions do not come

export class Speaking {
  #list;
  #voices = new Map(); // member/stream to { node, line, timer }

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  show(event) {
    const key = keyOf(event);
    const voice = this.#voices.get(key) ?? this.#begin(key, event);
    clearTimeout(voice.timer);
    if (!voice.line.show(event.text)) return this.#end(key);
    voice.timer = setTimeout(() => this.#end(key), SILENT_MS);
    return undefined;
  }

  /** The words of this voice are final. */
  settle(event) {
    this.#end(keyOf(event));
  }

  /** This member is gone. */
  drop(member) {
    for (const key of this.#voices.keys()) if (key.startsWith(`${member}/`)) this.#end(key);
  }

  clear() {
    for (const key of this.#voices.keys()) this.#end(key);
  }

  #begin(key, event) {
    const node = element('li', 'turn speaking');
    const head = element('p', 'turn-head');
    head.append(nameTag(event.name, event.own), element('span', 'turn-note', event.own ? 'are speaking' : 'is speaking'));
    const row = element('p', 'line spoken partial');
    const text = element('span', 'line-text');
    text.dir = 'auto';
    row.append(icon('voice', 'line-mark'), text);
    node.append(face(event.member, event.name), head, row);
    this.#list.append(node);
    const voice = { node, line: new PartialLine(text), timer: 0 };
    this.#voices.set(key, voice);
    return voice;
  }

  #end(key) {
    const voice = this.#voices.get(key);
    if (!voice) return;
    clearTimeout(voice.timer);
    voice.node.remove();
    this.#voices.delete(key);
  }
}

function keyOf({ member, stream }) {
  return `${member}/${stream}`;
}
