/** A file that is held over the page, and let go. */

import { byId } from './dom.js';

let depth = 0; // dragenter and dragleave come for every element on the way

/** @param {() => boolean} wanted asked when a file comes @param {(file: File) => void} take */
export function watchDrops(wanted, take) {
  addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    byId('drop').hidden = !wanted();
  });
  addEventListener('dragleave', (event) => {
    if (carriesFiles(event)) depth = Math.max(0, depth - 1);
    if (depth === 0) byId('drop').hidden = true;
  });
  addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    byId('drop').hidden = true;
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes('Files');
}
