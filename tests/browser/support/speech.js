/** Recordings made on the spot. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RATE = 16000;

/**
 * Speech with silence around it, as a WAV file.
 * @param {string} folder @param {string} text @param {{before: number, after: number}} silence in seconds
 */
export function speak(folder, text, { before, after }) {
  const raw = join(folder, 'flite.wav');
  execFileSync('flite', ['-voice', 'rms', '-t', text, '-o', raw]);
  const pad = (seconds) => Buffer.alloc(Math.round(seconds * RATE) * 2);
  const file = join(folder, `${text.replaceAll(' ', '-')}-${after}.wav`);
  writeFileSync(file, wav(Buffer.concat([pad(before), samplesOf(readFileSync(raw)), pad(after)])));
  return file;
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
