/** What goes wrong, in words for the person in front of the page: what happened, and what to do about it. */

const MICROPHONE = {
  InsecureContext:
    'Browsers give the microphone only to secure pages. Open this page over https, or as localhost on the machine it runs on. Recordings work here too.',
  NotAllowedError:
    'This page may not use the microphone. Allow it in the address bar, or in the settings of your browser, and press the button again.',
  NotFoundError: 'No microphone was found. Plug one in, or open a recording instead.',
  NotReadableError: 'The microphone is there but cannot be used. Another program may be holding it.',
  NotSupportedError: 'This browser cannot record sound. A current Firefox, Chrome, Edge or Safari can.',
  AbortError: 'The microphone stopped before it began. Press the button to try again.',
};

const RECORDING = {
  EncodingError: 'is not a recording that this browser can play. WAV, MP3, M4A, Ogg and FLAC usually work.',
  QuotaExceededError: 'is too long to open in a browser (over 300 MB). Use the command “earshot stream” for it.',
  NotReadableError: 'could not be read. It may have been moved or changed.',
};

const SERVER = {
  segment_failed: 'A short piece could not be turned into words. The rest goes on as usual.',
  keep_full: 'The server has not answered for minutes, and no more of your voice can be kept: what you say now is left out.',
};

export function microphoneTrouble(error) {
  return MICROPHONE[error?.name] ?? `The microphone did not start (${error?.message || error}). Press the button to try again.`;
}

export function recordingTrouble(name, error) {
  return `“${name}” ${RECORDING[error?.name] ?? `could not be opened (${error?.message || error}).`}`;
}

export function serverTrouble(error) {
  return SERVER[error.code] ?? `The server says: ${error.message}`;
}

/** While a stream waits for a transcriber; `queue` is the place in the queue, from 1, if the server said it. */
export function waiting(queue) {
  if (!Number.isFinite(queue) || queue < 1) return 'All transcribers are busy. Keep talking: your words will follow.';
  if (queue === 1) return 'All transcribers are busy, you are next. Keep talking: your words will follow.';
  return `All transcribers are busy, you are number ${queue} in the queue. Keep talking: your words will follow.`;
}

/** 65 000 ms as 1:05, an hour as 1:00:00. */
export function clock(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const pad = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
