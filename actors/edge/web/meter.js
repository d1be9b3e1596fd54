/** The level of the microphone: a strip of bars that runs from right to left, newest at the right. */

const BAR = 3; // px
const GAP = 3;
const SLICE = 800; // samples a bar: 50 ms at 16 kHz
const FLOOR_DB = -54; // what a quiet room gives; drawn as nothing

export class Meter {
  #canvas;
  #halo;
  #levels = [];
  #pending = false;
  #colour = '';
  #rest = '';

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} halo gets the level as the custom property --level */
  constructor(canvas, halo) {
    this.#canvas = canvas;
    this.#halo = halo;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#fit());
  }

  /** @param {Int16Array} pcm @returns {number} the peak, 0..32768 */
  push(pcm) {
    let peak = 0;
    for (let at = 0; at < pcm.length; at += SLICE) {
      const slice = pcm.subarray(at, at + SLICE);
      for (const sample of slice) peak = Math.max(peak, Math.abs(sample));
      this.#levels.push(loudness(slice));
    }
    this.#show(this.#levels.at(-1) ?? 0);
    return peak;
  }

  reset() {
    this.#levels = [];
    this.#show(0);
  }

  #show(level) {
    this.#halo.style.setProperty('--level', level.toFixed(3));
    this.#canvas.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => this.#draw());
  }

  #fit() {
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * scale);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * scale);
    const style = getComputedStyle(this.#canvas);
    this.#colour = style.color;
    this.#rest = style.getPropertyValue('--rest');
    this.#draw();
  }

  #draw() {
    this.#pending = false;
    const scale = devicePixelRatio || 1;
    const [width, height] = [this.#canvas.width / scale, this.#canvas.height / scale];
    if (!width) return;
    const count = Math.floor((width + GAP) / (BAR + GAP));
    this.#levels.splice(0, this.#levels.length - count);
    const pen = this.#canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    for (let i = 0; i < count; i++) {
      const level = this.#levels[this.#levels.length - count + i] ?? 0;
      const tall = BAR + level * (height - BAR);
      pen.fillStyle = level > 0.02 ? this.#colour : this.#rest;
      pen.beginPath();
      pen.roundRect(i * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    }
  }
}

/** Root mean square on a decibel scale, 0..1: how loud it seems. */
function loudness(slice) {
  let sum = 0;
  for (const sample of slice) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / slice.length / 32768 ** 2 + 1e-10);
  return Math.max(0, Math.min(1, (decibels - FLOOR_DB) / (-FLOOR_DB - 8)));
}
