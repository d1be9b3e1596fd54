/** How people are shown: a disc with an initial, in a colour that stays theirs. */

import { element } from './dom.js';

const HUES = 12;

export function face(member, name) {
  const disc = element('span', 'face', initial(name));
  disc.setAttribute('aria-hidden', 'true');
  disc.style.setProperty('--hue', String((hash(member) % HUES) * (360 / HUES)));
  return disc;
}

/** A name as others wrote it: kept from turning the text around it. */
export function nameTag(name, own = false) {
  const tag = element('b', 'name', own ? 'You' : name);
  tag.dir = 'auto';
  tag.title = name;
  return tag;
}

function initial(name) {
  return ([...name.trim()][0] ?? '?').toLocaleUpperCase();
}

function hash(text) {
  let sum = 2166136261; // FNV-1a
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 16777619);
  return sum >>> 0;
}
