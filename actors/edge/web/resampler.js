/**
 * From any sample rate to a lower (or equal) one, chunk by chunk, with the state between the chunks.
 *
 * A windowed sinc, cut at 0.45 of the lower rate, read from a table of PHASES shifted copies: speech loses nothing
 * below 7 kHz, and what 16 kHz cannot carry is gone before it could fold back into the speech band. The position
 * is counted in whole numbers (input samples and a remainder in units of 1/to), so that an hour drifts by nothing.
 */

const ZERO_CROSSINGS = 16;
const PHASES = 256;

export class Resampler {
  /** @param {number} from Hz @param {number} to Hz, at most `from` */
  constructor(from, to) {
    this.from = from;
    this.to = to;
    this.half = Math.ceil((ZERO_CROSSINGS * from) / to);
    this.table = makeTable(this.half, to / from);
    this.tail = new Float32Array(2 * this.half); // what the next output still looks back on
    this.index = 0; // the next output lies at tail[index + half] + rest/to
    this.rest = 0;
  }

  /**
   * @param {Float32Array} input
   * @returns {Float32Array} as much output as this input completes; it lags by half a filter (about 1 ms)
   */
  push(input) {
    if (this.from === this.to) return input.slice();
    const samples = new Float32Array(this.tail.length + input.length);
    samples.set(this.tail);
    samples.set(input, this.tail.length);
    const width = 2 * this.half;
    const output = new Float32Array(Math.ceil(((samples.length + 1) * this.to) / this.from));
    let count = 0;
    while (this.index + width < samples.length) {
      output[count++] = this.at(samples);
      this.rest += this.from;
      this.index += Math.floor(this.rest / this.to);
      this.rest %= this.to;
    }
    const used = Math.min(this.index, samples.length);
    this.tail = samples.slice(used);
    this.index -= used;
    return output.subarray(0, count);
  }

  at(samples) {
    const width = 2 * this.half;
    const phase = Math.floor((this.rest * PHASES) / this.to);
    const row = phase * width;
    let sum = 0;
    for (let k = 0; k < width; k++) sum += samples[this.index + 1 + k] * this.table[row + k];
    return sum;
  }
}

/** PHASES rows of 2*half weights; each row sums to one, so that loudness does not depend on the phase. */
function makeTable(half, ratio) {
  const width = 2 * half;
  const table = new Float32Array(PHASES * width);
  const cut = 0.9 * ratio; // of the input's Nyquist frequency
  for (let phase = 0; phase < PHASES; phase++) {
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const x = k - half + 1 - phase / PHASES;
      const weight = sinc(cut * x) * (0.5 + 0.5 * Math.cos((Math.PI * x) / (half + 1)));
      table[phase * width + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < width; k++) table[phase * width + k] /= sum;
  }
  return table;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Float samples in -1..1 to PCM16; louder than full scale is clipped, never wrapped. */
export function toPcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32767)));
  return pcm;
}
