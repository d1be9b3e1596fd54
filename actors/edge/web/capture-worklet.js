/**
 * Runs on the audio thread: takes what the microphone gives, mixes it to one channel, brings it to 16 kHz and posts
 * PCM16 chunks of 100 ms. The last, shorter chunk is posted when the page says `flush`, then null.
 */

import { Resampler, toPcm16 } from './resampler.js';

const RATE = 16000;
const CHUNK = RATE / 10;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.chunk = new Float32Array(CHUNK);
    this.filled = 0;
    this.running = true;
    this.port.onmessage = () => this.flush();
  }

  process([channels]) {
    if (channels.length && this.running) this.take(this.resampler.push(mix(channels)));
    return this.running;
  }

  take(samples) {
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(CHUNK - this.filled, samples.length - at);
      this.chunk.set(samples.subarray(at, at + count), this.filled);
      this.filled += count;
      at += count;
      if (this.filled === CHUNK) this.post();
    }
  }

  post() {
    const pcm = toPcm16(this.chunk.subarray(0, this.filled));
    this.filled = 0;
    this.port.postMessage(pcm, [pcm.buffer]);
  }

  flush() {
    this.running = false;
    if (this.filled) this.post();
    this.port.postMessage(null);
  }
}

function mix(channels) {
  if (channels.length === 1) return channels[0];
  const mono = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / channels.length;
  return mono;
}

registerProcessor('earshot-capture', Capture);
