/** A socket that a test holds in its hand: what was sent on it, and what it is to hear. */

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, { detail } = {}) {
    super(type);
    this.detail = detail;
  }
};

export class FakeSocket {
  static all = [];
  bufferedAmount = 0;
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  static get last() {
    return FakeSocket.all.at(-1);
  }
  send(data) {
    this.sent.push(typeof data === 'string' ? JSON.parse(data) : data);
  }
  close() {
    this.closed = true;
  }
  open() {
    this.onopen?.({});
  }
  hear(type, payload = {}) {
    this.onmessage({ data: JSON.stringify({ type, payload, timestamp: 1 }) });
  }
  die(code = 1006, reason = '') {
    this.onclose({ code, reason });
  }
  texts(type) {
    return this.sent.filter((message) => message.type === type);
  }
  chunks() {
    return this.sent.filter((message) => ArrayBuffer.isView(message));
  }
}

export const WELCOME = { client_id: '0123456789abcdef', session: 's', token: 't', limits: { max_chunk: 16384 } };

/** Keeps what an object of the library tells, as [type, detail]. */
export function record(emitter, ...types) {
  const seen = [];
  for (const type of types) emitter.on(type, (detail) => seen.push([type, detail]));
  return seen;
}
