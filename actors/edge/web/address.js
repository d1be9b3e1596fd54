/** The room in the address, `/#room=lobby`: a link to it is an invitation. */

/** @returns {string|null} */
export function roomInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get('room')?.trim() || null;
}

export function linkTo(room) {
  return `${location.origin}${location.pathname}${location.search}${hashOf(room)}`;
}

/** Change the address; `hashchange` tells of it. @param {string|null} room */
export function setAddress(room) {
  if (roomInAddress() === room) return;
  if (room !== null) {
    location.hash = hashOf(room);
    return;
  }
  history.pushState(null, '', `${location.pathname}${location.search}`); // no lonely # stays behind
  dispatchEvent(new HashChangeEvent('hashchange'));
}

function hashOf(room) {
  return `#room=${encodeURIComponent(room)}`;
}
