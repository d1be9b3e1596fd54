/**
 * The room beside the microphone. The address says which room it is; this follows it.
 *
 *   none ──> asking (for a name) ──> entering ──> inside ──> none
 *
 * `none` hides the panel unless the door was opened by hand. A connection that breaks leaves it `inside`, marked as reconnecting.
 */

import { linkTo, roomInAddress, setAddress } from './address.js';
import { Composer } from './composer.js';
import { Conversation } from './conversation.js';
import { Door } from './door.js';
import { byId, copyText, say } from './dom.js';
import { messageId } from './earshot.js';
import { Members } from './members.js';
import { refusal, status, unsent } from './room-messages.js';

const TABS = document.querySelectorAll('.tab');
const SAID = ['message', 'caption', 'joined', 'left'];

export class RoomPanel {
  #earshot;
  #notice;
  #onChange;
  #wanted = null; // the room of the address
  #entering = null; // AbortController
  #severed = false; // the room of the address was not refused: there was no connection any more
  #room = null; // entered
  #unavailable = false;
  #unread = 0;
  #title = document.title;
  #door = new Door((room) => this.#knock(room), () => this.#turnAway());
  #conversation = new Conversation((text) => this.#say(text));
  #composer = new Composer((text) => this.#say(text));
  #members = new Members();

  /** @param {Earshot} earshot @param {Notice} notice @param {() => void} onChange whenever what follows changes */
  constructor(earshot, notice, onChange) {
    this.#earshot = earshot;
    this.#notice = notice;
    this.#onChange = onChange;
    earshot.on('error', ({ code }) => code === 'room_unavailable' && this.#door.note(status('entering')));
    addEventListener('hashchange', () => this.#follow());
    document.addEventListener('visibilitychange', () => !document.hidden && this.#countUnread(0));
    byId('room-open').addEventListener('click', () => this.#toggleDoor());
    byId('room-leave').addEventListener('click', () => this.#leave());
    for (const id of ['room-link', 'talk-invite']) byId(id).addEventListener('click', () => this.#copyLink());
    for (const tab of TABS) {
      tab.addEventListener('click', () => this.#show(tab.dataset.show));
    }
  }

  /** Begin with what the address says. */
  start() {
    this.#follow();
  }

  /** There is a connection. If there was none for good, into the room of the address once more; a refusal stands. */
  retry() {
    if (this.#severed) this.#enter(this.#wanted, this.#door.name);
  }

  /** The room that hears the microphone now, or null. */
  get listener() {
    return this.#room?.state === 'joined' ? this.#room.id : null;
  }

  /** Was it entered, and will it be there again? */
  get returning() {
    return this.#room?.state === 'rejoining';
  }

  // ---- in and out

  #follow() {
    const id = roomInAddress();
    if (id === this.#wanted) return;
    this.#close();
    this.#wanted = id;
    if (id === null) this.#become('none');
    else if (this.#door.name) this.#enter(id, this.#door.name);
    else this.#ask({ room: id, focus: true });
  }

  #knock(id) {
    if (roomInAddress() !== id) setAddress(id); // and #follow enters
    else this.#enter(id, this.#door.name);
  }

  #turnAway() {
    if (this.#wanted !== null) setAddress(null);
    else this.#become('none');
  }

  async #enter(id, name) {
    this.#become('entering');
    this.#door.wait(id);
    const entering = (this.#entering = new AbortController());
    try {
      const room = await this.#earshot.join(id, { name, signal: entering.signal });
      if (!entering.signal.aborted) this.#open(room);
    } catch (error) {
      if (!entering.signal.aborted) this.#sayRefused(id, error);
    }
  }

  #sayRefused(room, error) {
    this.#ask({ room, trouble: refusal(error) });
    this.#severed = error.code === 'not_connected';
  }

  #ask(what) {
    this.#become('asking');
    this.#show('room');
    this.#door.ask(what);
  }

  #open(room) {
    this.#room = room;
    this.#unavailable = false;
    byId('room-name').textContent = room.id;
    this.#conversation.open(room);
    this.#composer.open(room.id);
    this.#listen(room);
    this.#become('inside');
    this.#show('room');
    this.#countUnread(0);
    this.#showMembers();
    if (matchMedia('(hover: hover)').matches) this.#composer.focus(); // not on a phone: its keyboard would cover the room
    this.#onChange();
  }

  #leave() {
    setAddress(null);
  }

  /** Let go of the room that was entered. */
  #close() {
    const room = this.#room;
    this.#room = null;
    this.#entering?.abort();
    this.#members.close();
    this.#countUnread(0);
    room?.leave();
    if (room) this.#onChange();
  }

  // ---- what the room says

  #listen(room) {
    const mine = (act) => (detail) => room === this.#room && act(detail);
    for (const type of SAID) room.on(type, mine((event) => this.#hear(type, event)));
    room.on('partial', mine((event) => this.#conversation.partial(event)));
    room.on('gap', mine((gap) => this.#conversation.gap(gap)));
    room.on('live', mine(() => this.#conversation.live()));
    room.on('members', mine(() => this.#showMembers()));
    room.on('unavailable', mine(() => this.#setUnavailable(true)));
    room.on('available', mine(() => this.#setUnavailable(false)));
    room.on('state', mine((state) => this.#turn(state)));
  }

  #hear(type, event) {
    this.#conversation.add(type, event);
    const worthy = (type === 'message' || type === 'caption') && !event.own;
    if (worthy && document.hidden) this.#countUnread(this.#unread + 1);
  }

  #turn({ state, error }) {
    if (state === 'rejoining') this.#conversation.interrupt();
    if (error) {
      this.#room = null;
      this.#sayRefused(this.#wanted, error);
    }
    this.#showStatus();
    this.#onChange();
  }

  #setUnavailable(is) {
    this.#unavailable = is;
    this.#showStatus();
  }

  // ---- what the person says

  async #say(text) {
    const msgId = messageId();
    this.#conversation.sending(msgId, text);
    try {
      await this.#room.say(text, { msgId });
      this.#conversation.sent(msgId);
    } catch (error) {
      this.#conversation.failed(msgId, unsent(error));
    }
  }

  async #copyLink() {
    const link = linkTo(this.#room.id);
    if (await copyText(link)) this.#notice.show('good', 'The link to this room is copied.', { brief: true });
    else this.#notice.show('hint', `Share this link: ${link}`);
  }

  // ---- what is shown

  #become(what) {
    this.#severed = false;
    document.body.dataset.room = what;
    byId('room').hidden = what === 'none';
    byId('inside').hidden = what !== 'inside';
    byId('door').hidden = what === 'inside';
    byId('room-open').setAttribute('aria-expanded', String(what !== 'none'));
    if (what === 'none') this.#show('words');
    this.#showStatus();
  }

  /** On a narrow screen only one of the two is shown. @param {'room'|'words'} what */
  #show(what) {
    document.body.dataset.show = what;
    for (const tab of TABS) tab.setAttribute('aria-pressed', String(tab.dataset.show === what));
  }

  #toggleDoor() {
    if (document.body.dataset.room === 'none') this.#ask({ focus: true });
    else this.#turnAway();
  }

  #showMembers() {
    const room = this.#room;
    this.#members.show({ members: room.members, total: room.total }, (member) => member === room.member);
    byId('talk-alone').hidden = room.total !== 1;
  }

  #showStatus() {
    const what = this.returning ? 'rejoining' : this.#unavailable ? 'unavailable' : null;
    byId('room').dataset.status = what ?? '';
    byId('room-status').hidden = what === null;
    say(byId('room-status'), status(what));
  }

  #countUnread(count) {
    this.#unread = count;
    const name = this.#room ? `${this.#room.id} · ${this.#title}` : this.#title;
    document.title = count ? `(${count}) ${name}` : name;
  }
}
