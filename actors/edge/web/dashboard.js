/**
 * The dashboard: the door, then jobs, charts and actors, kept true by one WebSocket.
 *
 * The token comes with the address once (#token=…), is taken out of it, and is kept for this tab alone.
 */

import { Charts } from './dashboard-charts.js';
import { HouseTables } from './dashboard-house.js';
import { JobsTable } from './dashboard-jobs.js';
import { DashboardLink } from './dashboard-link.js';
import { byId, say } from './dom.js';

const KEPT = 'earshot-operator-token';
const LINK = { connecting: 'Connecting', open: 'Live', waiting: 'No connection, trying again', closed: 'Closed' };
const PER_PAGE = 25;

class Refused extends Error {}

let token = '';

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}` } });
  if (response.ok) return response;
  const { message } = await response.json().catch(() => ({}));
  const text = message ?? `The server answered ${response.status}.`;
  throw response.status === 401 ? new Refused(text) : new Error(text);
}

const ofJob = (job) => `jobs/${encodeURIComponent(job.jobId)}`;

const api = {
  async list({ state, q, page }) {
    const query = new URLSearchParams({ page, per_page: PER_PAGE });
    if (state) query.set('state', state);
    if (q) query.set('q', q);
    return (await ask(`jobs?${query}`)).json();
  },
  async details(job) {
    return (await ask(ofJob(job))).json();
  },
  async transcript(job) {
    return (await ask(`${ofJob(job)}/transcript?format=text`)).text();
  },
  async act(verb, job) {
    try {
      if (verb === 'remove') await ask(ofJob(job), { method: 'DELETE' });
      else await ask(`${ofJob(job)}/${verb}`, { method: 'POST' });
      trouble(null);
    } catch (error) {
      trouble(error);
    }
    await jobs.load();
  },
};

const charts = new Charts(byId);
const tables = new HouseTables(byId);
const jobs = new JobsTable(byId, api, trouble);
const link = new DashboardLink({
  onState: show,
  onOpen: () => {
    jobs.load();
    begin();
  },
  onHouse: house,
  onJob: (type, event) => jobs.event(type, event),
  onRefused: refuse,
});

function show(state) {
  document.body.dataset.link = state;
  say(byId('link-text'), LINK[state]);
}

function house(state) {
  tables.show(state);
  charts.add(state.now);
  jobs.counts(state.counts);
}

async function begin() {
  try {
    charts.begin((await (await ask('api/house')).json()).history);
  } catch (error) {
    trouble(error);
  }
}

function trouble(error) {
  if (error instanceof Refused) {
    refuse(error.message);
    return;
  }
  byId('trouble').hidden = !error;
  say(byId('trouble'), error ? error.message : '');
}

function refuse(message) {
  sessionStorage.removeItem(KEPT);
  lock(message);
}

function lock(message) {
  link.close();
  token = '';
  byId('panes').hidden = true;
  byId('lock').hidden = true;
  byId('door').hidden = false;
  say(byId('door-trouble'), message ?? '');
  byId('token').value = '';
  byId('token').focus();
}

function unlock(given) {
  token = given;
  sessionStorage.setItem(KEPT, given);
  byId('door').hidden = true;
  byId('panes').hidden = false;
  byId('lock').hidden = false;
  link.open(given);
}

function tokenInAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) history.replaceState(null, '', location.pathname + location.search);
  return given;
}

function enter() {
  const given = tokenInAddress() ?? sessionStorage.getItem(KEPT);
  if (given) unlock(given);
  else lock();
}

byId('door').addEventListener('submit', (event) => {
  event.preventDefault();
  unlock(byId('token').value.trim());
});
byId('lock').addEventListener('click', () => refuse(''));
addEventListener('hashchange', () => {
  const given = tokenInAddress();
  if (given) unlock(given);
});
enter();
