/** The page's modules, loaded into node: copied to a place where .js means module. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
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

const CHARTS = '/usr/share/javascript/chart.js'; // of libjs-chart.js
const PAGES = { '/': 'index.html', '/dashboard': 'dashboard.html' };
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

/** The files of the page, without a house behind them. @returns {Promise<{url: string, close: () => Promise<void>}>} */
export async function serveWeb() {
  const server = createServer((request, response) => {
    const name = basename(PAGES[request.url] ?? request.url.replace(/^\/web\//, ''));
    const file = [WEB, CHARTS].map((folder) => join(folder, name)).find(existsSync);
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': TYPES[extname(file).slice(1)] }).end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://localhost:${server.address().port}`, close };
}
