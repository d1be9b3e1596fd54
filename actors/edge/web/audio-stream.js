/**
 * One stream of audio, as its sender sees it: how much was sent, taken and committed. It keeps exactly what a resumed
 * stream needs (committed frame, checkpoint), so that keeping the audio itself is the only thing missing for that.
 */

import { deferred } from './events.js';

export class AudioStream {
  constructor(settings) {
    this.settings = settings;
    this.sentBytes = 0;
    this.ackedBytes = 0;
    this.committedSeq = 0; // last frame whose words are final
    this.committedMs = 0;
    this.checkpoint = undefined;
    this.stopping = false; // no audio is taken any more
    this.asked = false; // because stop() was called
    this.result = deferred();
    this.waiters = [];
  }

  get unackedBytes() {
    return this.sentBytes - this.ackedBytes;
  }

  acknowledge(bytes) {
    this.ackedBytes = Math.min(this.sentBytes, this.ackedBytes + bytes);
    this.wake();
  }

  commit({ to_seq, end_ms, checkpoint }) {
    if (Number.isFinite(to_seq)) this.committedSeq = Math.max(this.committedSeq, to_seq);
    if (Number.isFinite(end_ms)) this.committedMs = Math.max(this.committedMs, end_ms);
    if (checkpoint !== undefined) this.checkpoint = checkpoint;
  }

  takeNoMore() {
    this.stopping = true;
    this.wake();
  }

  wake() {
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  progress() {
    const toMs = (bytes) => (bytes / 2 / this.settings.sampleRate) * 1000;
    return {
      sentMs: toMs(this.sentBytes),
      ackedMs: toMs(this.ackedBytes),
      committedMs: this.committedMs,
      committedSeq: this.committedSeq,
    };
  }
}
