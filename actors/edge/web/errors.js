/** What a caller can get as a rejection, an exception or an `error` event. `code` is for programs. */
export class EarshotError extends Error {
  constructor(code, message, ref) {
    super(message);
    this.name = 'EarshotError';
    this.code = code;
    this.ref = ref;
  }
}
