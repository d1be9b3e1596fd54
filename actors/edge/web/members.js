/** Who is in the room: a number that opens into a list. */

import { byId, element, say } from './dom.js';
import { face, nameTag } from './face.js';
import { people } from './room-messages.js';

export class Members {
  #button = byId('members-button');
  #count = byId('members-count');
  #list = byId('members');
  #here = { members: [], total: 0 };
  #isSelf = () => false;

  constructor() {
    this.#button.addEventListener('click', () => this.#open(this.#list.hidden));
    for (const node of [this.#button, this.#list]) {
      node.addEventListener('keydown', (event) => event.key === 'Escape' && this.#open(false));
    }
  }

  /** @param {{members: {member: string, name: string}[], total: number}} here @param {(member: string) => boolean} isSelf */
  show(here, isSelf) {
    this.#here = here;
    this.#isSelf = isSelf;
    say(this.#count, String(here.total));
    this.#button.setAttribute('aria-label', `${people(here.total)} here`);
    this.#button.title = `${people(here.total)} here`;
    if (!this.#list.hidden) this.#fill();
  }

  close() {
    this.#open(false);
  }

  #open(wanted) {
    this.#list.hidden = !wanted;
    this.#button.setAttribute('aria-expanded', String(wanted));
    if (wanted) this.#fill();
    else this.#list.replaceChildren();
  }

  #fill() {
    const { members, total } = this.#here;
    const rows = members.map(({ member, name }) => {
      const row = element('li', 'person');
      row.append(face(member, name), nameTag(name));
      if (this.#isSelf(member)) row.append(element('span', 'person-self', '(you)'));
      return row;
    });
    if (total > members.length) rows.push(element('li', 'person more', `and ${total - members.length} more`));
    this.#list.replaceChildren(...rows);
  }
}
