/**
 * The dashboard: the door, then jobs, charts and actors, kept true by one WebSocket.
 *
 * The token comes with the address once (#token=…), is taken out of it, and is kept for this tab alone.
 */

import { Charts } from './dashboard-charts.js';
import { HouseTables } from './dashboard-house.js';
import { JobsTable } from './dashboard-jobs.js';
import { byId, say } from './dom.js';
import { wantsToken } from './errors.js';
import { Jobs } from './jobs.js';

const KEPT = 'earshot-operator-token';
const LINK = { connecting: 'Connecting', open: 'Live', waiting: 'No connection, trying again', closed: 'Closed' };
const PER_PAGE = 25;

const jobs = new Jobs();
const charts = new Charts(byId);
const tables = new HouseTables(byId);
const desk = {
  list: (filter) => jobs.list({ ...filter, perPage: PER_PAGE }),
  details: (job) => jobs.get(job.jobId),
  transcript: (job) => jobs.transcript(job.jobId, 'text'),
  async act(verb, job) {
    try {
      await jobs[verb](job.jobId);
      trouble(null);
    } catch (error) {
      trouble(error);
    }
    await table.load();
  },
};
const table = new JobsTable(byId, desk, trouble);

jobs.on('state', ({ state }) => {
  document.body.dataset.link = state;
  say(byId('link-text'), LINK[state]);
  if (state === 'open') refresh();
});
jobs.on('error', trouble);

function house(state) {
  tables.show(state);
  charts.add(state.now);
  if (state.jobs.length) table.counts(state.counts);
}

/** What changed while nobody listened. */
async function refresh() {
  table.load();
  try {
    charts.begin((await jobs.house()).history);
  } catch (error) {
    trouble(error);
  }
}

function trouble(error) {
  if (error && (wantsToken(error) || error.code === 'forbidden')) {
    lock(error.message);
    return;
  }
  byId('trouble').hidden = !error;
  say(byId('trouble'), error ? error.message : '');
}

function lock(message = '') {
  jobs.close();
  jobs.token = '';
  sessionStorage.removeItem(KEPT);
  byId('panes').hidden = true;
  byId('lock').hidden = true;
  byId('door').hidden = false;
  say(byId('door-trouble'), message);
  byId('token').value = '';
  byId('token').focus();
}

function unlock(token) {
  jobs.close();
  jobs.token = token;
  sessionStorage.setItem(KEPT, token);
  byId('door').hidden = true;
  byId('panes').hidden = false;
  byId('lock').hidden = false;
  jobs.watchHouse(house);
  jobs.watchAll((event) => table.event(event.type, event));
}

function tokenInAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) history.replaceState(null, '', location.pathname + location.search);
  return given;
}

function enter() {
  const token = tokenInAddress() ?? sessionStorage.getItem(KEPT);
  if (token) unlock(token);
  else lock();
}

byId('door').addEventListener('submit', (event) => {
  event.preventDefault();
  unlock(byId('token').value.trim());
});
byId('lock').addEventListener('click', () => lock());
addEventListener('hashchange', () => {
  const token = tokenInAddress();
  if (token) unlock(token);
});
enter();
