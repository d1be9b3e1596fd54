/** A box that keeps its end in view, until its reader looks back; then a button leads to the newest. */

const NEAR_END = 64; // px: this close to the end still counts as following

export class Scroller {
  #box;
  #button;
  #following = true;

  constructor(box, button) {
    this.#box = box;
    this.#button = button;
    box.addEventListener('scroll', () => this.#noteScroll(), { passive: true });
    button.addEventListener('click', () => this.follow());
    new ResizeObserver(() => this.#toEnd()).observe(box);
  }

  get following() {
    return this.#following;
  }

  /** Something was added at the end. */
  keepUp() {
    if (this.#following) this.#toEnd();
    else this.#button.hidden = false;
  }

  /** To the end, and stay there. */
  follow() {
    this.#following = true;
    this.#button.hidden = true;
    this.#toEnd();
  }

  /** What is in view stays there while `change` adds or takes away above it. */
  hold(change) {
    const { scrollHeight, scrollTop } = this.#box;
    change();
    this.#box.scrollTop = scrollTop + this.#box.scrollHeight - scrollHeight;
  }

  #toEnd() {
    if (this.#following) this.#box.scrollTop = this.#box.scrollHeight;
  }

  #noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#following) this.#button.hidden = true;
  }
}
