// The panel beside a running carrier, as people see it: what is killed turns red with the right sentence, a call that is up is on
// the screen, the same without a script, by keyboard, and in five layouts.
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test } from './lab';
import { expect, signIn, untilLive } from './panel';

test.describe.configure({ mode: 'serial', timeout: 180_000 });

const whole = /Voice, Data and Sync/;

test('what is killed turns red within ten seconds, is an alert, and heals', async ({ carrier, people }) => {
  const { panel } = carrier;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await expect(page).toHaveURL(`${panel.staff}/map`);
  await untilLive(page);
  const row = page.locator('tr', { hasText: 'asterisk-02' }).first();
  await expect(row).toContainText('good', { timeout: 60_000 });
  await expect(page.locator('main')).toContainText(whole, { timeout: 60_000 });
  carrier.run('break', 'kill', 'asterisk-02');
  await expect(row).toContainText('does not answer', { timeout: 10_000 });
  await expect(page.getByRole('region', { name: 'Alerts' })).toContainText('asterisk-02', { timeout: 10_000 });
  carrier.run('heal');
  await expect(row).toContainText('good', { timeout: 60_000 });
});

test('a call that is up is on the screen, and can be ended', async ({ carrier, people }) => {
  const { panel } = carrier;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(`${panel.staff}/calls`);
  await untilLive(page);
  const call = carrier.call('442079460123', '60s');
  const row = page.locator('tr', { hasText: '442079460123' });
  await expect(row).toContainText('up', { timeout: 5_000 });
  await row.getByText('Hang up').click();
  await page.getByRole('dialog').getByRole('button', { name: /Hang up|End/ }).click();
  await expect(page.getByText(/was ended/)).toBeVisible();
  await expect(row).toHaveCount(0, { timeout: 5_000 });
  call.kill();
});

for (const javaScriptEnabled of [true, false]) {
  test(`every page of the carrier is read ${javaScriptEnabled ? 'with' : 'without'} a script`, async ({ carrier, people }) => {
    const { panel } = carrier;
    const page = await (await people({ javaScriptEnabled })).newPage();
    await signIn(page, panel.staff, 'noc');
    for (const [path, text] of [
      ['/map', 'kamailio-01'],
      ['/map?blast=mariadb-01', 'mariadb-01'],
      ['/machines/kamailio-01', 'Network cards'],
      ['/machines/mariadb-02', 'Network cards'],
      ['/networks', '10.10.10.0/24'],
      ['/networks/voice', 'asterisk-01'],
      ['/databases', 'mariadb-02'],
    ] as const) {
      const answer = await page.goto(panel.staff + path);
      expect(answer?.status(), path).toBe(200);
      await expect(page.locator('main'), path).toContainText(text);
    }
  });
}

const layouts = {
  desktop: { viewport: { width: 1280, height: 800 } },
  medium: { viewport: { width: 900, height: 700 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' as const },
  wall: { viewport: { width: 1920, height: 1080 } },
};

for (const [layout, options] of Object.entries(layouts)) {
  test(`${layout}: the carrier’s pages fit and are accessible`, async ({ carrier, people }) => {
    const { panel } = carrier;
    const page = await (await people(options)).newPage();
    await signIn(page, panel.staff, 'noc');
    for (const path of ['/map', '/machines/kamailio-01', '/networks', '/networks/voice', '/databases']) {
      await page.goto(panel.staff + path + (layout === 'wall' ? '?kiosk=tv' : ''));
      await expect(page.locator('main')).toBeVisible();
      const name = `lab${path.replaceAll('/', '-')}`;
      await page.screenshot({ path: join(import.meta.dirname, `../screenshots/${layout}/${name}.png`), fullPage: true });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wider, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
      const axe = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      const found = axe.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
      expect(found, `${path} in ${layout}`).toEqual([]);
    }
  });
}

test('a carrier is disabled from the map’s list, and calls go the other way', async ({ carrier, people }) => {
  const { panel } = carrier;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await untilLive(page);
  await page.getByRole('link', { name: 'Operations on carrier-b' }).click();
  await page.getByRole('link', { name: 'Disable carrier-b' }).click();
  await page.getByLabel('Type carrier-b to confirm').fill('carrier-b');
  await page.getByRole('button', { name: 'Disable carrier-b', exact: true }).click();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 60_000 });
  await page.goto(`${panel.staff}/operations/new?kind=enable_carrier&subject=carrier-b`);
  // Level L1: nothing is typed.
  await page.getByRole('button', { name: 'Enable carrier-b', exact: true }).click();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 60_000 });
});

test('a PBX is drained from its own page while a call is up on another, and comes back', async ({ carrier, people }) => {
  const { panel } = carrier;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(`${panel.staff}/machines/asterisk-03`);
  await page.getByRole('link', { name: 'Drain…', exact: true }).click();
  await expect(page.getByText('call(s) are up on asterisk-03')).toBeVisible();
  await page.getByLabel('Type asterisk-03 to confirm').fill('asterisk-03');
  await page.getByRole('button', { name: 'Drain asterisk-03', exact: true }).click();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 90_000 });
  await page.goto(`${panel.staff}/machines/asterisk-03`);
  await page.getByRole('link', { name: 'Return to service…', exact: true }).click();
  await page.getByRole('button', { name: 'Return to service asterisk-03', exact: true }).click();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 60_000 });
});

test('an operator switches the databases over, reloads, loses the network, finds it finished, and switches back', async ({ carrier, people, watched }) => {
  const { panel } = carrier;
  watched.expect(/ERR_INTERNET_DISCONNECTED|Failed to fetch|net::ERR/);
  const context = await people();
  const page = await context.newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(`${panel.staff}/databases`);
  await expect(page.getByText('It was never rehearsed here.')).toBeVisible();
  await page.getByRole('link', { name: 'Switch over…' }).click();
  const start = page.getByRole('button', { name: 'Switch over database', exact: true });
  await expect(page.locator('.no-return')).toHaveCount(1, { timeout: 30_000 });
  await page.getByLabel('Type database to confirm').fill('database');
  await start.click();
  await page.waitForURL(/\/operations\/\d+$/);
  const at = page.url();
  await untilLive(page);
  await page.reload();
  await context.setOffline(true);
  await page.waitForTimeout(1_000);
  await context.setOffline(false);
  // It may have ended while nothing could be read; whoever looks again sees it.
  await page.reload();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 60_000 });
  expect(page.url()).toBe(at);
  await expect(page.locator('.facts')).toContainText('mariadb-02');
  await page.goto(`${panel.staff}/operations/new?kind=switch_over_database&subject=database&despite_cool_down=yes`);
  await page.getByLabel('Type database to confirm').fill('database', { timeout: 30_000 });
  await start.click();
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 60_000 });
});
