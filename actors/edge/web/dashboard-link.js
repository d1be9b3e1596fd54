/** The dashboard's line to the server: says the token, asks to watch all jobs and the house, comes back by itself. */

import { Connection } from './connection.js';

const LINE = { reconnect: true, minDelayMs: 300, maxDelayMs: 5000, pingMs: 15_000, silenceMs: 10_000, busyMs: 15_000 };

export class DashboardLink {
  /** @param {{onState(state: string), onOpen(), onHouse(house: object), onJob(type: string, event: object), onRefused(message: string)}} owner */
  constructor(owner) {
    this.owner = owner;
    this.connection = new Connection({ ...LINE, WebSocket }, this);
  }

  open(token) {
    this.token = token;
    this.connection.open(new URL('ws', location.href).href.replace(/^http/, 'ws'));
  }

  close() {
    this.connection.close('the dashboard is locked');
  }

  onMessage(type, payload) {
    if (type === 'welcome') this.#greeted();
    else if (type === 'house.state') this.owner.onHouse(payload);
    else if (type === 'error') this.#error(payload);
    else if (type.startsWith('job.') && type !== 'job.watching' && type !== 'job.unwatched') this.owner.onJob(type, payload);
  }

  #greeted() {
    this.connection.opened();
    this.connection.say('house.watch', { token: this.token });
    this.connection.say('job.watch', { all: true, token: this.token });
    this.owner.onOpen();
  }

  #error({ code, message }) {
    if (code === 'unauthorized') this.owner.onRefused(message);
  }

  onState(state) {
    this.owner.onState(state);
  }

  onLost() {}

  onMoved() {}

  pushedBack() {
    return false;
  }
}
