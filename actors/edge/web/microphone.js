/** The microphone as a source of PCM16 chunks at 16 kHz. */

export const RATE = 16000;

const WORKLET = new URL('./capture-worklet.js', import.meta.url);

// Speech recognisers do better on the plain signal than on one that was denoised for human ears.
const CONSTRAINTS = {
  audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
};

export class Microphone {
  #stream;
  #context;
  #node;
  #flushed;

  /**
   * Ask for the microphone and start it. Throws a DOMException named by the platform, or `InsecureContext` where
   * the browser hides microphones because the page did not come over https or from localhost.
   * @param {{onChunk: (pcm: Int16Array) => void, onEnded: () => void}} handlers onEnded: the device went away
   */
  static async open(handlers) {
    if (!globalThis.isSecureContext) throw new DOMException('the page is not secure', 'InsecureContext');
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException('no microphone API', 'NotSupportedError');
    const microphone = new Microphone();
    try {
      await microphone.#start(handlers);
    } catch (error) {
      await microphone.#release();
      throw error;
    }
    return microphone;
  }

  async #start({ onChunk, onEnded }) {
    this.#stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    this.#stream.getAudioTracks()[0].addEventListener('ended', onEnded);
    const source = this.#connectible();
    await this.#context.audioWorklet.addModule(WORKLET);
    this.#node = new AudioWorkletNode(this.#context, 'earshot-capture', { numberOfOutputs: 1 });
    this.#node.port.onmessage = ({ data }) => (data ? onChunk(data) : this.#flushed?.());
    source.connect(this.#node);
    this.#node.connect(this.#context.destination); // silent; some browsers pull only what leads to a destination
    // A phone call or a locked screen interrupts the context; it does not come back by itself.
    this.#context.onstatechange = () => {
      if (['suspended', 'interrupted'].includes(this.#context.state)) this.#context.resume().catch(() => {});
    };
    await this.#context.resume();
  }

  /** A source node at 16 kHz if the browser resamples a microphone, else at the device's rate for the worklet to do. */
  #connectible() {
    try {
      this.#context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
      return this.#context.createMediaStreamSource(this.#stream);
    } catch {
      this.#context?.close().catch(() => {});
      this.#context = new AudioContext({ latencyHint: 'interactive' });
      return this.#context.createMediaStreamSource(this.#stream);
    }
  }

  /** Stop and let the device go; resolves after the last, shorter chunk was handed over. */
  async close() {
    if (this.#context?.state === 'running') {
      await new Promise((resolve) => {
        this.#flushed = resolve;
        this.#node.port.postMessage('flush');
      });
    }
    await this.#release();
  }

  async #release() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    if (this.#context && this.#context.state !== 'closed') {
      this.#context.onstatechange = null;
      await this.#context.close();
    }
  }
}
