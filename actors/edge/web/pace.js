/** A bucket of tokens: so many at once, so many a second. The time comes in as an argument. */
export class Pace {
  #tokens;
  #at = null;
  #burst;
  #perMs;

  constructor({ perSecond, burst }) {
    this.#perMs = perSecond / 1000;
    this.#burst = this.#tokens = burst;
  }

  /** Take one. @returns {number} 0, or milliseconds until there is one */
  take(now) {
    const passed = Math.max(0, now - (this.#at ?? now));
    this.#at = now;
    this.#tokens = passed ? Math.min(this.#burst, this.#tokens + passed * this.#perMs) : this.#tokens;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs);
    this.#tokens -= 1;
    return 0;
  }
}
