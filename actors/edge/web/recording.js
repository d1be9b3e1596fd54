/** A recording as a source of PCM16 chunks at 16 kHz, sent as fast as the server takes them. */

import { toPcm16 } from './resampler.js';

const RATE = 16000;
const CHUNK = RATE / 5; // 200 ms
export const MAX_BYTES = 300 * 1024 * 1024; // decoded it is about ten times that; more would end the tab on a phone

/**
 * Decode whatever the browser can play to 16 kHz mono.
 * @param {Blob} file
 * @returns {Promise<Float32Array>}
 */
export async function decode(file) {
  if (file.size > MAX_BYTES) throw new DOMException(`${file.size} bytes`, 'QuotaExceededError');
  if (file.size === 0) throw new DOMException('empty file', 'EncodingError');
  // An offline context of the wanted rate makes decodeAudioData resample, and needs no sound card.
  const context = new OfflineAudioContext(1, 1, RATE);
  return downmix(await context.decodeAudioData(await file.arrayBuffer()));
}

function downmix(audio) {
  if (audio.numberOfChannels === 1) return audio.getChannelData(0);
  const mono = new Float32Array(audio.length);
  for (let c = 0; c < audio.numberOfChannels; c++) {
    const channel = audio.getChannelData(c);
    for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / audio.numberOfChannels;
  }
  return mono;
}

/**
 * Send the samples on the open stream.
 * @param {Earshot} earshot
 * @param {Float32Array} samples
 * @param {() => boolean} cancelled asked before each chunk
 * @returns {Promise<boolean>} true when all of it was sent
 */
export async function pump(earshot, samples, cancelled) {
  for (let at = 0; at < samples.length; at += CHUNK) {
    if (cancelled() || !(await earshot.writable())) return false;
    if (!earshot.send(toPcm16(samples.subarray(at, at + CHUNK)))) return false;
  }
  return true;
}

/** Length in milliseconds. */
export function durationMs(samples) {
  return (samples.length / RATE) * 1000;
}
