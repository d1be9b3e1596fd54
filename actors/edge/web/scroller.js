/**
 * A box that keeps its end in view, until its reader looks back; then a button leads to the newest. It scrolls once a
 * frame at most, however much is added, for each look at its height lays the whole box out.
 */

const NEAR_END = 64; // px: this close to the end still counts as following

export class Scroller {
  #box;
  #button;
  #following = true;
  #frame = 0;
  #top = 0; // where it was last; only a reader moves it up

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
    if (!this.#following) this.#button.hidden = false;
    else this.#frame ||= requestAnimationFrame(() => this.#toEnd());
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
    this.#top = this.#box.scrollTop;
  }

  #toEnd() {
    this.#frame = 0;
    if (!this.#following) return;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#top = this.#box.scrollTop;
  }

  #noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) this.#following = true;
    else if (scrollTop < this.#top) this.#following = false;
    if (this.#following) this.#button.hidden = true;
    this.#top = scrollTop;
  }
}
