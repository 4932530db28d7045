// Operations as people run them: looked at, confirmed, started, followed, cut off and found again. The proxies are stand-ins; with the
// real ones: lab.spec.ts.
import AxeBuilder from '@axe-core/playwright';
import { expect, signIn, test as base, untilLive, type Panel } from './panel';
import { Proxies } from './proxies';

// One panel with two proxies and two carriers, for each test.
const test = base.extend<{ fleet: { panel: Panel; proxies: Proxies } }>({
  fleet: async ({ own }, use, info) => {
    const proxies = await Proxies.start(100 + info.parallelIndex);
    for (const role of ['noc', 'viewer']) own.addUser(role, role);
    proxies.writeInventory(own.state);
    // No lab runs here, and nobody has a shell.
    own.announce('host-01', 'management network');
    await use({ panel: own, proxies });
    own.announce('host-01', 'management network');
    await proxies.stop();
  },
});

test.describe.configure({ timeout: 120_000 });

const confirm = '/operations/new?kind=disable_carrier&subject=carrier-a';
const starts = { name: 'Disable carrier-a', exact: true };

test('an operator starts one, reloads in the middle, loses the network in the middle, and finds it done', async ({ fleet, people, watched }) => {
  const { panel, proxies } = fleet;
  watched.expect(/ERR_INTERNET_DISCONNECTED|Failed to fetch|net::ERR/);
  const context = await people();
  const page = await context.newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(panel.staff + '/operations');
  await expect(page.getByText('No operation was ever started here.')).toBeVisible();
  await page.goto(panel.staff + confirm);
  await expect(page.getByText('dispatcher.set_state dx 101').first()).toBeVisible();
  await page.getByLabel('Type carrier-a to confirm').fill('carrier-a');
  await page.getByRole('button', starts).click();
  await page.waitForURL('**/operations/1');
  await untilLive(page);
  await expect(page.locator('.step').nth(1)).toContainText('done');
  expect(proxies.flags(101)).toEqual(['dx', 'dx']);
  await expect(page.locator('[aria-current=step]')).toHaveCount(1);
  // Another page says that something runs, and where.
  const other = await context.newPage();
  await other.goto(panel.staff + '/profile');
  await other.locator('.drawer summary').click();
  await expect(other.locator('.drawer').getByRole('link', { name: 'Disable carrier-a' })).toBeVisible();
  await page.reload();
  await untilLive(page);
  // What is open stays open, and nothing new gets through.
  await context.setOffline(true);
  await page.waitForTimeout(1_000);
  await context.setOffline(false);
  await expect(page.getByText('It is over: done')).toBeVisible({ timeout: 20_000 });
  await expect(page.locator('.step').nth(2)).toContainText('done');
  await expect(page.getByText('Over: done.')).toBeVisible();
  await expect(other.locator('.drawer')).toBeHidden({ timeout: 20_000 });
  // What is over is told to be over, and its buttons say why they cannot be pressed.
  await expect(page.getByRole('button', { name: 'Cancel and undo…' })).toHaveAttribute('aria-disabled', 'true');
  expect(panel.sql("SELECT CONCAT(actor, ' ', subject) FROM audit WHERE action = 'operation_start'")).toBe('noc disable_carrier carrier-a');
});

test('what runs is cancelled in a dialog, and everything is as it was', async ({ fleet, people }) => {
  const { panel, proxies } = fleet;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(panel.staff + confirm);
  await page.getByLabel('Type carrier-a to confirm').fill('carrier-a');
  await page.getByRole('button', starts).click();
  await expect(page.locator('.step').nth(1)).toContainText('done');
  await page.getByRole('link', { name: 'Cancel and undo…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel and undo' }).click();
  await expect(page.getByText('It is over: cancelled')).toBeVisible({ timeout: 20_000 });
  expect(proxies.flags(101)).toEqual(['ap', 'ap']);
});

test('a plan that changed meanwhile is refused and shown anew, with what changed', async ({ fleet, people }) => {
  const { panel, proxies } = fleet;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(panel.staff + confirm);
  await page.getByLabel('Type carrier-a to confirm').fill('carrier-a');
  proxies.set(102, 'dx');
  await page.getByRole('button', starts).click();
  await expect(page.getByRole('heading', { name: 'What changed since you looked' })).toBeVisible();
  await expect(page.getByText('other_way was pass and is block now')).toBeVisible();
  const start = page.locator('#confirm').getByRole('button', starts);
  await expect(start).toHaveAttribute('aria-disabled', 'true');
  await expect(page.locator('#confirm .why-not')).toContainText('It must not start as things are');
  // A setting takes it on; it is another plan.
  await page.getByLabel('Take the last way out too').selectOption('yes');
  await page.getByRole('button', { name: 'Look again with these' }).click();
  await expect(page).toHaveURL(/accept_no_route=yes/);
  await expect(start).not.toHaveAttribute('aria-disabled', 'true');
});

test('whoever may only look sees everything and can press nothing', async ({ fleet, people }) => {
  const { panel } = fleet;
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'viewer');
  await page.goto(panel.staff + confirm);
  await expect(page.getByText('dispatcher.set_state dx 101').first()).toBeVisible();
  const start = page.locator('#confirm').getByRole('button', starts);
  await expect(start).toHaveAttribute('aria-disabled', 'true');
  await expect(page.locator('#confirm .why-not')).toContainText('Your role sees operations');
});

test('without a script it is started, watched by reloading, and cancelled', async ({ fleet, people }) => {
  const { panel, proxies } = fleet;
  const page = await (await people({ javaScriptEnabled: false })).newPage();
  await signIn(page, panel.staff, 'noc');
  await page.goto(panel.staff + '/operations/new');
  await page.getByRole('link', { name: 'Disable carrier-a' }).click();
  await page.getByLabel('Type carrier-a to confirm').fill('carrier-b');
  await page.getByRole('button', starts).click();
  await expect(page.getByText('type carrier-a. Nothing was begun')).toBeVisible();
  await page.getByLabel('Type carrier-a to confirm').fill('carrier-a');
  await page.getByRole('button', starts).click();
  await page.waitForURL('**/operations/1');
  await expect.poll(() => proxies.flags(101)).toEqual(['dx', 'dx']);
  await page.getByRole('link', { name: 'Cancel and undo…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel and undo' }).click();
  await expect
    .poll(async () => {
      await page.reload();
      return page.locator('main').innerText();
    }, { timeout: 20_000 })
    .toContain('It is over: cancelled');
});

const layouts = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' as const },
  'right-to-left': { viewport: { width: 1280, height: 800 } },
};

test('the pages of an operation that runs are accessible and fit in every layout', async ({ fleet, people }) => {
  const { panel } = fleet;
  const noc = await (await people()).newPage();
  await signIn(noc, panel.staff, 'noc');
  await noc.goto(panel.staff + confirm);
  await noc.getByLabel('Type carrier-a to confirm').fill('carrier-a');
  await noc.getByRole('button', starts).click();
  await noc.waitForURL('**/operations/1');
  for (const [layout, options] of Object.entries(layouts)) {
    const context = await people(options);
    if (layout === 'right-to-left') {
      await context.addInitScript(() => document.addEventListener('readystatechange', () => (document.documentElement.dir = 'rtl')));
    }
    const page = await context.newPage();
    await signIn(page, panel.staff, 'noc');
    for (const path of [confirm, '/operations', '/operations/1', '/operations/new']) {
      await page.goto(panel.staff + path);
      await untilLive(page);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wider, `${path} in ${layout} is wider than the screen`).toBeLessThanOrEqual(0);
      await page.setViewportSize({ width: options.viewport.width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
      const axe = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
      const found = axe.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
      expect(found, `${path} in ${layout}`).toEqual([]);
      await page.setViewportSize(options.viewport);
    }
  }
});
