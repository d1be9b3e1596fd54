/** Recordings made on the spot. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RATE = 16000;

/**
 * Speech with a quiet room around it, as a WAV file. A room is never digital silence: the page takes that for a
 * muted microphone.
 * @param {string} folder @param {string} text @param {{before: number, after: number}} quiet in seconds
 */
export function speak(folder, text, { before, after }) {
  const raw = join(folder, 'flite.wav');
  execFileSync('flite', ['-voice', 'rms', '-t', text, '-o', raw]);
  const file = join(folder, `${text.replaceAll(/\W+/g, '-')}-${after}.wav`);
  writeFileSync(file, wav(Buffer.concat([room(before), samplesOf(readFileSync(raw)), room(after)])));
  return file;
}

/** Noise of a few steps of the converter, the same every time. */
function room(seconds) {
  const samples = new Int16Array(Math.round(seconds * RATE));
  let x = 1;
  for (let i = 0; i < samples.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    samples[i] = (x >>> 29) - 4;
  }
  return Buffer.from(samples.buffer);
}

/** flite writes 16 kHz mono PCM16; only the place of the data is looked for. */
function samplesOf(file) {
  const rate = file.readUInt32LE(24);
  if (rate !== RATE) throw new Error(`flite made ${rate} Hz, ${RATE} were expected`);
  const at = file.indexOf('data');
  return file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4));
}

function wav(samples) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** A recording (44 bytes of WAV header, then samples) said so many times in a row. */
export function repeated(wav, times) {
  const samples = wav.subarray(44);
  const out = Buffer.concat([wav.subarray(0, 44), ...Array(times).fill(samples)]);
  out.writeUInt32LE(out.length - 8, 4);
  out.writeUInt32LE(out.length - 44, 40);
  return out;
}
