// What a person waits for, measured in Chromium. Called by `wirecenter bench`: node measure.mjs NAME URL STATE, with the session
// in BENCH_COOKIE; prints {"value": N} and nothing else on stdout.
import { chromium } from '@playwright/test';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

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

const measures = {
  'largest-paint': async () => median((await loads()).map((seen) => seen.paint)),
  'longest-task': async () => median((await loads()).map((seen) => seen.task)),
  'layout-shift': async () => Math.max(...(await loads()).map((seen) => seen.shift)),
  'tab-stops': tabStops,
  'event-to-pixel': eventToPixel,
};
try {
  console.log(JSON.stringify({ value: await measures[name]() }));
} finally {
  await browser.close();
}
