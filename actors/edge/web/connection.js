/**
 * One WebSocket after another, for as long as it is wanted.
 *
 *   closed ──open()──> connecting ──opened()──> open
 *      ^                  ^    │                 │
 *      │                  │    └──── breaks ─────┤
 *      └──── close() ─────┴────── waiting <──────┘
 *
 * Where there is a token it is said first on each. A server that closes with 1008 is not asked again: it would do the same.
 *
 * move() makes another one while the open one serves on, and changes over once the server has said something there.
 *
 * What is said on it is not its business: it hands on what it hears, and the owner calls opened() once the server has
 * greeted. A line that stays silent though it was asked is given up: its close event would come after minutes.
 */

const REFUSED = 1008;
const CLOSING = 2; // readyState of a WebSocket

export class Connection {
  #options;
  #owner;
  #url = null;
  #socket = null;
  #next = null; // beside the open one, while moving
  #moveTimer;
  #state = 'closed';
  #wanted = false; // open() was called and close() was not
  #attempt = 0;
  #retryTimer;
  #pulseTimer;
  #heardAt = 0;

  /**
   * @param {object} options WebSocket, token, reconnect, minDelayMs, maxDelayMs, pingMs, silenceMs, busyMs
   * @param {object} owner onState(state, more), onMessage(type, payload), onLost({code, reason, final}), onMoved(),
   *   and pushedBack(): true while the server may be too busy to answer a ping
   */
  constructor(options, owner) {
    this.#options = options;
    this.#owner = owner;
  }

  get state() {
    return this.#state;
  }

  get url() {
    return this.#url;
  }

  get wanted() {
    return this.#wanted;
  }

  /** What waits in this browser to be sent, in bytes. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  open(url) {
    this.#url = url;
    this.#wanted = true;
    if (this.#state === 'closed') this.#connect();
  }

  /** The server has greeted. */
  opened() {
    this.#attempt = 0;
    this.#become('open', {});
  }

  retryNow() {
    if (this.#state === 'waiting') this.#connect();
  }

  /** The network is back: whoever waits tries, and a line from before shows whether it still lives. */
  probe() {
    this.retryNow();
    if (this.#state !== 'open') return;
    this.#heardAt = Math.min(this.#heardAt, Date.now() - this.#options.pingMs);
    this.say('ping', {});
  }

  close(reason) {
    this.#wanted = false;
    this.#release(1000, reason, false);
  }

  /** Close, but wanted still: wake() opens again. */
  sleep(reason) {
    if (this.#state !== 'closed') this.#release(1000, reason, false);
  }

  wake() {
    if (this.#wanted && this.#state === 'closed') this.#connect();
  }

  /** Another connection in place of this one. */
  renew() {
    this.#detach();
    this.#connect();
  }

  /** The same, but the open one serves until the other does. */
  move() {
    if (this.#state !== 'open' || this.#next) return;
    const socket = this.#make();
    socket.onmessage = ({ data }) => {
      this.#changeOver(socket);
      this.#receive(data);
    };
    socket.onclose = () => {
      this.#next = null;
      this.#moveTimer = setTimeout(() => this.move(), this.#options.minDelayMs);
    };
    this.#next = socket;
  }

  say(type, payload) {
    this.#put(JSON.stringify({ type, payload, timestamp: Date.now() }));
  }

  sendBytes(bytes) {
    this.#put(bytes);
  }

  /** A socket that is closing takes nothing any more, and what is owed is sent over the next one. */
  #put(data) {
    if (this.#socket.readyState !== CLOSING) this.#socket.send(data);
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    this.#attempt += 1;
    this.#become('connecting', { attempt: this.#attempt });
    this.#adopt(this.#make());
  }

  #make() {
    const socket = new this.#options.WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#introduce(socket);
    return socket;
  }

  #introduce(socket) {
    const { token } = this.#options;
    if (token) socket.send(JSON.stringify({ type: 'session.auth', payload: { token }, timestamp: Date.now() }));
  }

  #adopt(socket) {
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#release(event.code, event.reason, true);
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#pulseTimer = setInterval(() => this.#pulse(), this.#options.silenceMs / 2);
  }

  #changeOver(socket) {
    this.#next = null;
    this.#detach();
    this.#adopt(socket);
    this.#owner.onMoved();
  }

  #receive(data) {
    this.#heardAt = Date.now();
    const message = parse(data);
    if (message) this.#owner.onMessage(message.type, message.payload ?? {});
  }

  /** Let go of the socket, arrange for the next one, tell the owner. */
  #release(code, reason, again) {
    this.#detach();
    const why = { code, reason: reason || undefined };
    const next = this.#wanted && again && this.#options.reconnect && code !== REFUSED;
    if (next) this.#scheduleRetry(why);
    else this.#become('closed', why);
    this.#owner.onLost({ ...why, final: !this.#wanted || (again && !next) });
  }

  #detach() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#moveTimer);
    clearInterval(this.#pulseTimer);
    drop(this.#socket);
    drop(this.#next);
    this.#socket = this.#next = null;
  }

  #scheduleRetry(why) {
    const { minDelayMs, maxDelayMs } = this.#options;
    const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.max(0, this.#attempt - 1));
    const retryInMs = Math.round(ceiling * (0.5 + Math.random() / 2));
    this.#retryTimer = setTimeout(() => this.#connect(), retryInMs);
    this.#become('waiting', { ...why, retryInMs, attempt: this.#attempt });
  }

  #pulse() {
    const quietMs = Date.now() - this.#heardAt;
    const busy = this.#owner.pushedBack(); // then it does not read, so it cannot answer a ping either
    const allowedMs = this.#state !== 'open' ? 0 : busy ? this.#options.busyMs : this.#options.pingMs;
    if (quietMs >= allowedMs + this.#options.silenceMs) this.#release(1006, 'the server is silent', true);
    else if (this.#state === 'open' && !busy && quietMs >= allowedMs) this.say('ping', {});
  }

  #become(state, more) {
    this.#state = state;
    this.#owner.onState(state, more);
  }
}

function drop(socket) {
  if (!socket) return;
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
}

function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data);
    return message && typeof message === 'object' ? message : null;
  } catch {
    return null;
  }
}
