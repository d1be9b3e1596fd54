/** Who is in a room. A server lists at most a thousand; `total` counts all. */
export class Roster {
  #members = new Map(); // member to name
  #rseq = 0; // the list holds everything up to this event
  total = 0;

  get list() {
    return [...this.#members].map(([member, name]) => ({ member, name }));
  }

  reset({ members, total, rseq }) {
    this.#members = new Map(members.map(({ member, name }) => [member, name]));
    this.#rseq = rseq;
    this.total = total ?? members.length;
  }

  /** @returns {boolean} did anything change? */
  apply(type, { rseq, member, name }) {
    if (rseq <= this.#rseq) return false;
    this.#rseq = rseq;
    if (type === 'joined') this.#come(member, name);
    else if (type === 'left') this.#go(member);
    else return false;
    return true;
  }

  #come(member, name) {
    if (!this.#members.has(member)) this.total += 1;
    this.#members.set(member, name);
  }

  #go(member) {
    this.#members.delete(member);
    this.total = Math.max(this.#members.size, this.total - 1);
  }
}
