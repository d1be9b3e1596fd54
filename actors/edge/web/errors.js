/** Does the server want another token, or any at all? Then it has closed the connection. */
export function wantsToken({ code = '' }) {
  return code === 'unauthorized' || code.endsWith('_token');
}

/** What a caller can get as a rejection, an exception or an `error` event. `code` is for programs. */
export class EarshotError extends Error {
  /** @param {{room?: string, msg_id?: string}} [about] where the server said it of one room or message */
  constructor(code, message, ref, about = {}) {
    super(message);
    this.name = 'EarshotError';
    this.code = code;
    this.ref = ref;
    if (about.room !== undefined) this.room = about.room;
    if (about.msg_id !== undefined) this.msgId = about.msg_id;
  }
}
