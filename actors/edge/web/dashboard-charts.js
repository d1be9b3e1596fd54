/**
 * Three lines over the last hour. The house gives the hour once (GET /api/house), then a figure a second; the charts keep
 * one point in five seconds, as the house does.
 */

const HOUR_MS = 3_600_000;
const STEP_MS = 5_000;

const LINES = {
  frames: [['frames', 'accent', (n) => rate(n)]],
  latency: [['lagMs', 'accent', (n) => milliseconds(n)]],
  queue: [
    ['queued', 'accent', (n) => counted(n, 'job')],
    ['waiting', 'live', (n) => counted(n, 'stream')],
  ],
};

export const rate = (n) => (n >= 100 ? Math.round(n).toLocaleString() : Math.round(n * 10) / 10 || 0).toString();

export const milliseconds = (n) => (n >= 10_000 ? `${Math.round(n / 1000)} s` : `${Math.round(n)} ms`);

const counted = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

export class Charts {
  #charts = {};
  #outputs = {};
  #last = 0;

  /** @param {(name: string) => HTMLElement} byId */
  constructor(byId) {
    for (const name of Object.keys(LINES)) {
      this.#outputs[name] = byId(`now-${name}`);
      if (window.Chart) this.#charts[name] = make(byId(`plot-${name}`), LINES[name]);
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#recolour());
  }

  /** @param {{stepMs: number, until: number, frames: number[], lagMs: number[], queued: number[], waiting: number[]}} history */
  begin(history) {
    for (const [name, lines] of Object.entries(LINES)) {
      const chart = this.#charts[name];
      if (!chart) continue;
      lines.forEach(([key], i) => (chart.data.datasets[i].data = points(history, key)));
      bound(chart, history.until);
      chart.update('none');
    }
    this.#last = history.until;
  }

  /** @param {{time: number, frames: number, lagMs: number, queued: number, waiting: number}} now */
  add(now) {
    const due = now.time - this.#last >= STEP_MS;
    if (due) this.#last = now.time;
    for (const [name, lines] of Object.entries(LINES)) {
      this.#outputs[name].textContent = lines.map(([key, , words]) => words(now[key] ?? 0)).join(', ');
      const chart = this.#charts[name];
      if (!chart || !due) continue;
      lines.forEach(([key], i) => chart.data.datasets[i].data.push({ x: now.time, y: now[key] ?? null }));
      bound(chart, now.time);
      chart.update('none');
    }
  }

  #recolour() {
    for (const [name, lines] of Object.entries(LINES)) {
      const chart = this.#charts[name];
      if (!chart) continue;
      lines.forEach(([, hue], i) => colour(chart.data.datasets[i], hue));
      grid(chart.options);
      chart.update('none');
    }
  }
}

function points(history, key) {
  const values = history[key] ?? [];
  const first = history.until - (values.length - 1) * history.stepMs;
  return values.map((y, i) => ({ x: first + i * history.stepMs, y })).filter(({ y }) => y !== null);
}

function bound(chart, until) {
  const from = until - HOUR_MS;
  for (const set of chart.data.datasets) while (set.data.length && set.data[0].x < from) set.data.shift();
  chart.options.scales.x.min = from;
  chart.options.scales.x.max = until;
}

const paint = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function colour(set, hue) {
  set.borderColor = paint(hue);
  set.backgroundColor = `color-mix(in srgb, ${paint(hue)} 14%, transparent)`;
}

function grid(options) {
  for (const axis of Object.values(options.scales)) {
    axis.ticks.color = paint('ink-faint');
    axis.grid.color = paint('line');
  }
}

function make(canvas, lines) {
  const options = {
    animation: false,
    maintainAspectRatio: false,
    parsing: false,
    normalized: true,
    interaction: { mode: 'index', intersect: false },
    plugins: {
      legend: { display: false },
      tooltip: {
        displayColors: lines.length > 1,
        callbacks: { title: ([item]) => clock(item.parsed.x), label: (item) => lines[item.datasetIndex][2](item.parsed.y) },
      },
    },
    scales: {
      x: { type: 'linear', ticks: { callback: clock, maxTicksLimit: 5, maxRotation: 0 }, grid: { display: false } },
      y: { beginAtZero: true, suggestedMax: 1, ticks: { maxTicksLimit: 4, precision: 0 }, grid: { drawBorder: false } },
    },
  };
  grid(options);
  const datasets = lines.map(([key, hue]) => {
    const set = { label: key, data: [], borderWidth: 1.5, pointRadius: 0, pointHitRadius: 8, tension: 0.25, fill: lines.length === 1 };
    colour(set, hue);
    return set;
  });
  return new window.Chart(canvas, { type: 'line', data: { datasets }, options });
}
