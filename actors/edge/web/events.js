/** What the objects of the library share: events that carry an object, and promises that are settled from outside. */

export class Emitter extends EventTarget {
  /**
   * Listen without the event wrapper.
   * @param {string} type
   * @param {(detail: any) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(type, listener) {
    const wrapped = (event) => listener(event.detail);
    this.addEventListener(type, wrapped);
    return () => this.removeEventListener(type, wrapped);
  }
}

export function emit(target, type, detail) {
  target.dispatchEvent(new CustomEvent(type, { detail }));
}

/** A promise and its two ends. That nobody waits for it is no error. */
export function deferred() {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  promise.catch(() => {});
  return { promise, resolve, reject };
}
