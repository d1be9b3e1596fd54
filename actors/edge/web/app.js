/**
 * The page: what a press of the button means in which state, and what is said when something happens.
 *
 *                    ┌── starting ──> listening ──┐
 *   idle ──> press ──┤                            ├──> finishing ──> idle
 *                    └── decoding ──> sending ────┘
 *
 * A broken connection ends nothing: the stream goes on over the next one, what is said meanwhile is kept, and its words follow.
 * Where the server ends a stream, a recording is over, for it can be opened again; the microphone stays on, the gap is shown in
 * the transcript, and a new stream starts.
 *
 * A stream of the microphone belongs to the room that the page is in, or to none. When that changes while it is on, the
 * stream ends and another one begins; what is said meanwhile is held and goes first.
 */

import { byId, say } from './dom.js';
import { watchDrops } from './drop.js';
import { Earshot, wantsToken } from './earshot.js';
import { clock, microphoneTrouble, recordingTrouble, serverTrouble, waiting } from './messages.js';
import { Meter } from './meter.js';
import { Microphone, RATE } from './microphone.js';
import { Notice } from './notice.js';
import { decode, durationMs, pump } from './recording.js';
import { RoomPanel } from './room-panel.js';
import { SignIn } from './sign-in.js';
import { Transcript } from './transcript.js';
import { addTools } from './transcript-tools.js';

const STATES = {
  idle: { label: 'Start listening', hint: 'Press to speak', icon: 'i-mic', lead: 'Speak, and read along.' },
  starting: { label: 'Cancel', hint: 'Waiting for the microphone', icon: 'i-mic', lead: 'One moment' },
  listening: { label: 'Stop listening', hint: 'Listening. Press to stop', icon: 'i-stop', lead: 'Listening' },
  decoding: { label: 'Cancel', hint: 'Opening the recording', icon: 'i-stop', lead: 'One moment' },
  sending: { label: 'Stop', hint: 'Reading the recording', icon: 'i-stop', lead: 'Reading' },
  finishing: { label: 'Finishing', hint: 'The last words are coming', icon: 'i-stop', lead: 'Almost there' },
};

const LINK = { connecting: 'Connecting', open: 'Connected', waiting: 'No connection', closed: 'No connection' };

const GAPS = {
  microphone: 'Interrupted by the server. Some words may be missing here.',
  recording: 'Interrupted by the server. The rest of the recording is missing.',
  abandoned: 'Stopped before the last words came.',
  anew: 'The server had to begin anew. A word may differ here.',
};

const ROOM_HINTS = {
  idle: (room) => `Press to speak to ${room}`,
  listening: (room) => `Everyone in ${room} reads what you say. Press to stop`,
};

const OFFLINE_HINTS = { idle: 'Waiting for the server', listening: 'No connection: what you say is kept' };

const OFFLINE = {
  listening: 'The connection to the server is lost; trying again. Keep talking: nothing is lost, your words will follow.',
  sending: 'The connection to the server is lost; trying again. The recording goes on where it was.',
  finishing: 'The connection to the server is lost; trying again. Your last words will follow.',
};

const NO_WORDS = {
  microphone: 'No words were understood. Speak a little closer to the microphone, and watch the level beside the button.',
  recording: 'No words were understood in this recording.',
};

const CHUNK_MS = 100; // as the worklet cuts them
const SLOW_FINISH_MS = 6000; // after that a person may choose not to wait
const HELD_MOST = 3000; // chunks, 5 min
const MUTED_CHUNKS = 30; // 3 s of exact silence: the microphone is muted, not the room quiet

const signIn = new SignIn(connect);
const earshot = new Earshot();
const notice = new Notice();
const meter = new Meter(byId('meter'), document.querySelector('.mic-box'));
const transcript = new Transcript(updateTools);
const panel = new RoomPanel(earshot, notice, followRoom);

let state = 'idle';
let microphone = null;
let recording = null; // { name, totalMs }
let heardChunks = 0; // from the microphone, sent or not
let listener = null; // the room of its stream
let moving = null; // promise, while its stream moves to another room
let held = []; // what it hears meanwhile
let silentChunks = 0;
let wakeLock = null;
let slowFinish;

function become(next) {
  state = next;
  document.body.dataset.state = next;
  byId('lead').textContent = STATES[next].lead;
  byId('mic-label').textContent = STATES[next].label;
  byId('mic-icon').setAttribute('href', `#${STATES[next].icon}`);
  byId('mic').setAttribute('aria-disabled', String(next === 'finishing'));
  byId('open').disabled = next !== 'idle';
  showHint();
  showProgress();
}

// ---- the microphone

async function startListening() {
  if (earshot.state !== 'open') return sayOffline();
  notice.clear();
  become('starting');
  heardChunks = silentChunks = 0;
  try {
    const opened = await Microphone.open({ onChunk: hear, onEnded: loseMicrophone });
    if (state !== 'starting') return opened.close(); // cancelled meanwhile
    microphone = opened;
  } catch (error) {
    if (state === 'starting') become('idle');
    return notice.show('trouble', microphoneTrouble(error));
  }
  transcript.begin('Microphone');
  become('listening');
  goOn();
  keepAwake();
}

function hear(pcm) {
  const peak = meter.push(pcm);
  heardChunks += 1;
  if (!moving) earshot.send(pcm);
  else if (held.length < HELD_MOST) held.push(pcm);
  else notice.show('trouble', serverTrouble({ code: 'keep_full' }));
  showClock(heardChunks * CHUNK_MS);
  silentChunks = peak === 0 ? silentChunks + 1 : 0;
  if (silentChunks === MUTED_CHUNKS) {
    notice.show('hint', 'The microphone is on, but nothing comes from it. Is it muted?', { topic: 'muted' });
  } else if (peak > 0) notice.clear('muted');
}

async function stopListening() {
  const source = microphone;
  microphone = null;
  become('finishing');
  await source?.close();
  meter.reset();
  wakeLock?.release().catch(() => {});
  wakeLock = null;
  await moving;
  await finish();
}

function loseMicrophone() {
  if (state !== 'listening') return;
  notice.show('trouble', 'The microphone was disconnected. Plug it in and press the button to go on.');
  stopListening();
}

/** A phone that goes to sleep stops listening. */
async function keepAwake() {
  try {
    wakeLock = await navigator.wakeLock?.request('screen');
  } catch {
    // low battery or not allowed: it works without
  }
}

// ---- a recording

async function readRecording(file) {
  if (state !== 'idle') return notice.show('hint', 'Stop first, then open the recording.');
  if (earshot.state !== 'open') return sayOffline();
  notice.clear();
  recording = { name: file.name, totalMs: 0 };
  become('decoding');
  let samples;
  try {
    samples = await decode(file);
  } catch (error) {
    if (state === 'decoding') become('idle');
    return notice.show('trouble', recordingTrouble(file.name, error));
  }
  if (state !== 'decoding') return;
  if (earshot.state !== 'open') return become('idle'), sayOffline();
  recording.totalMs = durationMs(samples);
  transcript.begin(file.name);
  become('sending');
  openStream(null);
  await pump(earshot, samples, () => state !== 'sending');
  if (state === 'sending') await finishRecording();
}

async function finishRecording() {
  become('finishing');
  await finish();
}

// ---- both

/** @param {string|null} room */
function openStream(room) {
  earshot.startStream({ sampleRate: RATE, partials: true, room: room ?? undefined });
}

async function finish() {
  slowFinish = setTimeout(offerToLeave, SLOW_FINISH_MS);
  try {
    await earshot.stop();
  } catch {
    // said by `lost`
  }
  clearTimeout(slowFinish);
  notice.clear('slow');
  notice.clear('queue');
  transcript.clearPartial();
  if (earshot.state === 'open' && transcript.silent && !notice.shown) notice.show('hint', NO_WORDS[recording ? 'recording' : 'microphone']);
  recording = null;
  become('idle');
}

function offerToLeave() {
  notice.show('hint', 'The last words take a little longer.', {
    topic: 'slow',
    action: 'Don’t wait',
    onAction: () => earshot.abandon(),
  });
}

const PRESSES = {
  idle: startListening,
  starting: () => become('idle'),
  listening: stopListening,
  decoding: () => become('idle'),
  sending: finishRecording,
  finishing: () => {},
};

// ---- what the server says

earshot.on('partial', (words) => transcript.partial(words));
earshot.on('transcript', (words) => {
  transcript.final(words);
  showProgress();
});
earshot.on('ack', showProgress);

earshot.on('status', ({ state: what, queue }) => {
  if (what === 'waiting') notice.show('hint', waiting(queue), { topic: 'queue' });
  else notice.clear('queue');
});

earshot.on('error', (error) => {
  if (wantsToken(error)) return signIn.ask(signIn.token && error.message);
  if (error.code !== 'room_unavailable') notice.show('trouble', serverTrouble(error)); // the panel says that
});

earshot.on('lost', ({ error }) => {
  if (error.code === 'connection_lost') return interrupted();
  if (error.code === 'abandoned') transcript.gap(GAPS.abandoned);
  else if (state === 'listening') stopListening(); // refused, and `error` said why
});

earshot.on('resumed', ({ ok }) => {
  if (!ok && earshot.streaming) transcript.gap(GAPS.anew);
});

earshot.on('done', ({ asked }) => {
  if (!asked) interrupted();
});

/** The stream ended though nobody asked it to. */
function interrupted() {
  notice.clear('queue');
  transcript.gap(recording ? GAPS.recording : GAPS.microphone);
  if (state === 'sending') {
    recording = null;
    become('idle');
  } else if (state === 'listening') goOn();
}

/** The microphone is on: have a stream for it. */
function goOn() {
  if (earshot.state !== 'open') held = []; // the connection broke meanwhile
  if (earshot.state !== 'open' || earshot.streaming || panel.returning) return; // `welcome` will, or the room
  listener = panel.listener;
  transcript.resumeAt((heardChunks - held.length) * CHUNK_MS);
  openStream(listener);
  for (const pcm of held.splice(0)) earshot.send(pcm);
  showHint();
}

/** The page has come into a room, or out of it. */
function followRoom() {
  showHint();
  if (state !== 'listening' || moving || panel.returning) return;
  if (!earshot.streaming) goOn();
  else if (listener !== panel.listener) moving = move();
}

async function move() {
  await earshot.stop().catch(() => {}); // said by `lost`
  moving = null;
  goOn();
}

earshot.on('state', ({ state: what, attempt }) => {
  const link = what === 'connecting' && attempt > 1 ? 'waiting' : what; // steady while one try follows another
  document.body.dataset.link = link;
  byId('link-text').textContent = LINK[link];
  if (what === 'waiting') sayOffline();
  showHint();
});

earshot.on('welcome', () => {
  notice.clear('offline');
  panel.retry();
  if (state === 'listening') goOn();
});

/** @param {string} token '' where none was asked for */
function connect(token) {
  earshot.token = token;
  earshot.connect().catch(() => {}); // said by `state` and `error`
}

function tryNow() {
  if (earshot.state === 'closed') connect(signIn.token);
  else earshot.retryNow();
}

function sayOffline() {
  const text = OFFLINE[state] ?? 'The server does not answer. Trying again until it does.';
  notice.show('trouble', text, { topic: 'offline', action: 'Try now', onAction: tryNow });
}

// ---- what is shown

function showHint() {
  const offline = (earshot.state !== 'open' || panel.returning) && OFFLINE_HINTS[state];
  const room = panel.listener;
  const hint = room === null ? STATES[state].hint : (ROOM_HINTS[state]?.(room) ?? STATES[state].hint);
  say(byId('hint'), offline || hint);
}

function showClock(ms) {
  say(byId('clock'), clock(ms));
}

function showProgress() {
  const bar = byId('progress');
  const total = recording?.totalMs;
  bar.hidden = !total;
  if (!total) {
    if (state === 'idle') byId('clock').textContent = '';
    return;
  }
  const { ackedMs = total, committedMs = 0 } = earshot.progress ?? {};
  const doneMs = Math.min(total, Math.max(committedMs, ackedMs));
  bar.style.setProperty('--done', String(doneMs / total));
  bar.setAttribute('aria-valuenow', String(Math.round((100 * doneMs) / total)));
  byId('clock').textContent = `${clock(doneMs)} of ${clock(total)}`;
}

function updateTools() {
  const empty = transcript.empty;
  for (const id of ['copy', 'save', 'clear']) byId(id).disabled = empty;
  byId('welcome').hidden = !empty || !byId('partial').hidden;
}

// ---- buttons

byId('mic').addEventListener('click', () => PRESSES[state]());
byId('open').addEventListener('click', () => byId('file').click());
byId('file').addEventListener('change', ({ target }) => {
  const [file] = target.files;
  target.value = ''; // the same file may be opened again
  if (file) readRecording(file);
});

addTools(transcript, notice);
watchDrops(() => state === 'idle', readRecording);

// ---- begin

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  earshot.retryNow();
  if (state === 'listening') keepAwake(); // browsers take the lock back from a hidden page
});
addEventListener('beforeunload', (event) => {
  if (state !== 'idle') event.preventDefault();
});

byId('mic').focus({ preventScroll: true, focusVisible: false }); // the space bar works at once
become('idle');
updateTools();
connect(signIn.token);
panel.start();
