// What a person waits for, measured in Chromium. Called by `wirecenter bench`: node measure.mjs NAME URL STATE, with the session
// in BENCH_COOKIE, the program in BENCH_PROGRAM and where simulated machines are told what to be in BENCH_WORLD; prints {"value": N}
// and nothing else on stdout.
import { chromium } from '@playwright/test';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [name, url, state] = process.argv.slice(2);
const [cookie, session] = process.env.BENCH_COOKIE.split('=');
const path = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: path, args: flags });

// A browser that has never been here, but for the session.
async function stranger() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addCookies([{ name: cookie, value: session, url }]);
  return context;
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const percentile95 = (values) => sorted(values)[Math.ceil(values.length * 0.95) - 1];

async function load() {
  const context = await stranger();
  const page = await context.newPage();
  await page.goto(`${url}/system`);
  await page.locator('.light.good').waitFor();
  await page.waitForTimeout(5_000);
  const seen = await page.evaluate(() => {
    const entries = (type) => new Promise((resolve) => {
      const observer = new PerformanceObserver((list) => resolve(list.getEntries()));
      observer.observe({ type, buffered: true });
      // A type without an entry never calls back.
      setTimeout(() => resolve([]), 200);
    });
    return Promise.all(['largest-contentful-paint', 'longtask', 'layout-shift'].map(entries)).then(([paints, tasks, shifts]) => ({
      paint: paints.at(-1)?.startTime ?? NaN,
      task: Math.max(0, ...tasks.map((task) => task.duration)),
      shift: shifts.filter((shift) => !shift.hadRecentInput).reduce((sum, shift) => sum + shift.value, 0),
    }));
  });
  await context.close();
  return seen;
}

async function loads() {
  // The first one starts the browser's processes; it is not measured.
  await load();
  const seen = [];
  for (let i = 0; i < 9; i += 1) seen.push(await load());
  return seen;
}

// A person with a keyboard: Tab to the skip link, Enter, Tab to the first action.
async function tabStops() {
  const page = await (await stranger()).newPage();
  let worst = 0;
  for (const at of ['/', '/system', '/users', '/roles', '/audit', '/profile']) {
    await page.goto(url + at);
    let stops = 0;
    let inside = false;
    while (!inside && stops < 100) {
      await page.keyboard.press('Tab');
      stops += 1;
      const focus = await page.evaluate(() => {
        const active = document.activeElement;
        return { inside: active !== null && active.closest('main') !== null, skip: active?.getAttribute('href') === '#main' };
      });
      inside = focus.inside;
      if (focus.skip) await page.keyboard.press('Enter');
    }
    worst = Math.max(worst, stops);
  }
  return worst;
}

// Another process changes the database; the open page must say so. The clock starts before that process does.
async function eventToPixel() {
  const page = await (await stranger()).newPage();
  const socket = join(state, 'mariadb/socket');
  const args = ['--no-defaults', `--socket=${socket}`, '-e', "UPDATE wakes SET version = version + 1 WHERE topic = 'users'", 'wirecenter'];
  const took = [];
  await page.goto(`${url}/users`);
  for (let i = 0; i < 40; i += 1) {
    await page.locator('.light.good').waitFor();
    // Not in step with the panel's own rounds.
    await page.waitForTimeout(300 + Math.random() * 700);
    const began = Date.now();
    const done = spawnSync('mariadb', args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
    const seen = page.evaluate(() => new Promise((resolve) => {
      const link = () => [...document.querySelectorAll('a')].some((a) => a.textContent.includes('Changed meanwhile') && a.offsetParent);
      const look = () => (link() ? requestAnimationFrame(() => resolve(Date.now())) : requestAnimationFrame(look));
      look();
    }));
    took.push((await seen) - began);
    await page.reload();
  }
  return percentile95(took);
}

// All machines change while the page cannot ask; then it gets everything in one answer. Counted is the main thread's work from
// there until it was laid out, less what it does in a moment in which nothing changes.
async function mapUpdate() {
  const page = await (await stranger()).newPage();
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const busy = async () => {
    const { metrics } = await client.send('Performance.getMetrics');
    return metrics.find((metric) => metric.name === 'TaskDuration').value * 1_000;
  };
  let hold = null;
  await page.route(/\/api\/fleet\/map/, async (route) => {
    if (hold) await hold.promise;
    await route.continue();
  });
  await page.goto(`${url}/map`);
  await page.waitForFunction(() => document.querySelectorAll('#map-board a.node.good').length === 200, null, { timeout: 60_000 });
  const took = [];
  for (let i = 0; i < 10; i += 1) {
    const lost = i % 2 === 0;
    hold = deferred();
    await fetch(`${process.env.BENCH_WORLD}/${lost ? 'lose' : 'find'}`, { method: 'POST' });
    // Three rounds of the observers: every one has seen it.
    await page.waitForTimeout(6_500);
    const idle = await busy();
    await page.waitForTimeout(1_000);
    const before = await busy();
    const done = page.waitForFunction((good) => document.querySelectorAll('#map-board a.node.good').length === good, lost ? 0 : 200, { polling: 50 });
    hold.resolve();
    hold = null;
    await done;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const span = await busy();
    // The first is a warm-up: code that has never run.
    if (i > 0) took.push(Math.max(0, span - before - (before - idle) * 0.2));
  }
  return median(took);
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
}

const run = promisify(execFile);
// The program's command on the measured panel's lab.
const lab = async (...words) => (await run(process.env.BENCH_PROGRAM, ['lab', ...words, '--json', '--state', state])).stdout;

// The moment at which an open page shows something, seen frame by frame.
const shows = (page, wanted, argument) => page.evaluate(([source, given]) => new Promise((resolve) => {
  const is = new Function('given', `return (${source})(given)`);
  const look = () => (is(given) ? resolve(Date.now()) : requestAnimationFrame(look));
  look();
}), [wanted.toString(), argument]);

async function machineRed() {
  const page = await (await stranger()).newPage();
  await page.goto(`${url}/map`);
  let worst = 0;
  for (const machine of ['asterisk-01', 'billing-01', 'kamailio-02', 'mariadb-02', 'monitor-01', 'asterisk-03']) {
    const node = page.locator(`#m-${machine}`);
    await page.waitForFunction((name) => !document.getElementById(`m-${name}`)?.classList.contains('bad'), machine, { timeout: 90_000 });
    if (await node.count() !== 1) throw new Error(`the map does not show ${machine}`);
    const seen = shows(page, (name) => document.getElementById(`m-${name}`).classList.contains('bad'), machine);
    const began = Date.now();
    await lab('break', 'kill', machine);
    worst = Math.max(worst, ((await seen) - began) / 1_000);
    await lab('heal', 'kill', machine);
  }
  return worst;
}

async function callSeen() {
  const page = await (await stranger()).newPage();
  await page.goto(`${url}/calls`);
  let worst = 0;
  for (let i = 0; i < 8; i += 1) {
    const called = `44207946${String(1_000 + Math.floor(Math.random() * 9_000))}`;
    const isUp = (number) => [...document.querySelectorAll('.live-calls tbody tr')]
      .some((row) => row.textContent.includes(number) && [...row.querySelectorAll('.badge')].some((badge) => badge.textContent.trim() === 'up'));
    const seen = shows(page, isUp, called);
    const call = JSON.parse(await lab('call', '--to', called, '--talk', '3s', '--answer-after', `${400 + Math.floor(Math.random() * 900)}ms`));
    if (!call.answered_at_us) throw new Error(`the call to ${called} was not answered: ${call.outcome} ${call.reason}`);
    worst = Math.max(worst, (await seen) - call.answered_at_us / 1_000);
  }
  return worst;
}

// Attempts are counted with the charts, in the same reading.
async function callCharted() {
  const page = await (await stranger()).newPage();
  await page.goto(`${url}/volume?range=1h`);
  let worst = 0;
  for (let i = 0; i < 8; i += 1) {
    const attempts = (root) => Number([...root.querySelectorAll('[data-fresh="figures"] .figure')]
      .find((figure) => figure.textContent.includes('Attempts')).querySelector('dd').textContent.replace(/\D/g, ''));
    const before = await page.evaluate(`(${attempts})(document)`);
    const seen = shows(page, `(before) => (${attempts})(document) > before`, before);
    const talk = 400 + Math.floor(Math.random() * 900);
    const call = JSON.parse(await lab('call', '--to', '442079460123', '--talk', `${talk}ms`));
    if (!call.answered_at_us) throw new Error(`the call was not answered: ${call.outcome} ${call.reason}`);
    worst = Math.max(worst, ((await seen) - call.answered_at_us / 1_000 - talk) / 1_000);
  }
  return worst;
}

const measures = {
  'largest-paint': async () => median((await loads()).map((seen) => seen.paint)),
  'longest-task': async () => median((await loads()).map((seen) => seen.task)),
  'layout-shift': async () => Math.max(...(await loads()).map((seen) => seen.shift)),
  'tab-stops': tabStops,
  'event-to-pixel': eventToPixel,
  'map-update': mapUpdate,
  'machine-red': machineRed,
  'call-seen': callSeen,
  'call-charted': callCharted,
};
try {
  console.log(JSON.stringify({ value: await measures[name]() }));
} finally {
  await browser.close();
}
