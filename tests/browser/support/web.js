/** The page's modules, loaded into node: copied to a place where .js means module. */

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const WEB = fileURLToPath(new URL('../../../actors/edge/web', import.meta.url));

export async function importWeb(...names) {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-web-'));
  try {
    cpSync(WEB, folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const modules = await Promise.all(names.map((name) => import(pathToFileURL(join(folder, name)).href)));
    return Object.assign({}, ...modules);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
