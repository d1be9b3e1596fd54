/** What can be done with the finished words: copy, keep in a file, clear. */

import { byId, copyText } from './dom.js';

/** @param {Transcript} transcript @param {Notice} notice */
export function addTools(transcript, notice) {
  byId('copy').addEventListener('click', () => copy(transcript, notice));
  byId('save').addEventListener('click', () => save(transcript));
  byId('clear').addEventListener('click', () => clear(transcript, notice));
}

async function copy(transcript, notice) {
  if (await copyText(transcript.toText())) return notice.show('good', 'Copied.', { brief: true });
  getSelection().selectAllChildren(byId('transcript'));
  return notice.show('hint', 'The words are selected. Copy them with Ctrl+C (⌘C on a Mac).');
}

function save(transcript) {
  const url = URL.createObjectURL(new Blob([transcript.toTimedText()], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `earshot ${new Date().toISOString().slice(0, 16).replace('T', ' ').replace(':', '.')}.txt`;
  link.click();
  URL.revokeObjectURL(url);
}

function clear(transcript, notice) {
  const restore = transcript.clear();
  notice.show('good', 'Cleared.', { action: 'Undo', onAction: restore, brief: true });
  byId('mic').focus({ preventScroll: true });
}
