/** Rooms in words for the people in them: what happened, and what to do about it. */

const REFUSED = {
  room_full: 'This room is full. Try again when somebody has left.',
  too_many_rooms: 'The server keeps no more rooms. Enter one that is there already.',
  bad_room: 'The name of a room has 1 to 64 letters. A shorter one will do.',
  bad_name: 'Your name has 1 to 64 letters here. A shorter one will do.',
  unsupported_type: 'This server has no rooms.',
};

const UNSENT = {
  unconfirmed: 'The connection broke. It is not known whether this was sent.',
  not_in_room: 'Not sent: you are not in this room any more.',
  too_many_pending: 'Not sent: too many messages are waiting.',
  bad_text: 'Not sent: it is too long.',
};

const MISSING = {
  other_log: 'The room was begun anew. What was said here before that may be missing.',
  gone: 'Some of what was said here is missing. The server has it no more.',
  hole: 'Some of what was said here is missing.',
};

const STATUS = {
  entering: 'The room does not answer at the moment. Trying until it does.',
  rejoining: 'Reconnecting. What you write is sent as soon as the connection is back.',
  unavailable: 'The room does not answer at the moment. What you write is sent as soon as it does.',
};

/** Why a room cannot be entered. */
export function refusal(error) {
  return REFUSED[error.code] ?? `The room cannot be entered: ${error.message}`;
}

/** Why a message was not sent. */
export function unsent(error) {
  return UNSENT[error.code] ?? `Not sent: ${error.message}`;
}

/** In the place of events that will not come. */
export function missing({ reason }) {
  return MISSING[reason] ?? MISSING.hole;
}

/** Above the oldest line. @param {'whole'|'more'|'gone'} what comes before it @param {boolean} empty no line at all */
export function beginning(what, empty) {
  if (what === 'gone') return 'What was said before this is not kept any more.';
  if (what === 'whole') return empty ? '' : 'The room begins here.';
  return '';
}

/** @param {'entering'|'rejoining'|'unavailable'|null} what */
export function status(what) {
  return STATUS[what] ?? '';
}

export function people(count) {
  return count === 1 ? '1 person' : `${count} people`;
}
