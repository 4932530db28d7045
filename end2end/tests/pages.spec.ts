// Every page of both doors, in five layouts: accessible (axe), nothing wider than the screen, no error in the console, no report
// of the content policy. Screenshots are left for people to look at.
import AxeBuilder from '@axe-core/playwright';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PASSWORD, expect, signIn, test, untilLive, type Panel } from './panel';

const pages: Record<'staff' | 'portal', string[]> = JSON.parse(readFileSync(join(import.meta.dirname, '../pages.json'), 'utf8'));

const layouts = {
  desktop: { viewport: { width: 1280, height: 800 } },
  medium: { viewport: { width: 900, height: 700 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' as const },
  'right-to-left': { viewport: { width: 1280, height: 800 } },
};

// Nothing of this name is there in a panel without a carrier; that is said in words. With one: map.spec.ts.
const absent = ['/machines/kamailio-01', '/calls/reference', '/alerts/1', '/operations/1'];

// Pages that are for people who are not, or not wholly, signed in.
const before = ['/sign-in', '/sign-in/code', '/setup/token'];

function prepare(panel: Panel, door: 'staff' | 'portal'): { who: string; half: string; link: string } {
  const [who, role] = door === 'staff' ? ['admin', 'noc'] : ['customer', 'customer'];
  const half = `half-${door}`;
  const known = panel.sql(`SELECT COUNT(*) FROM users WHERE name = '${half}'`);
  if (known === '0') panel.addUser(half, role!);
  // Any secret will do: nobody gives the code.
  panel.sql(`UPDATE users SET totp_secret = REPEAT('x', 20) WHERE name = '${half}'`);
  const link = JSON.parse(panel.command(['user', 'link', half, '--json'])).link as string;
  return { who: who!, half, link: link.slice(link.indexOf('/setup/')) };
}

for (const [layout, options] of Object.entries(layouts)) {
  for (const door of ['staff', 'portal'] as const) {
    test(`${layout}: every page of the ${door} door`, async ({ panel, people, watched }) => {
      test.setTimeout(240_000);
      watched.expect(...absent.map((path) => new RegExp(`404.*${path}`)));
      const { who, half, link } = prepare(panel, door);
      const url = panel[door];
      const contexts = { whole: await people(options), half: await people(options), nobody: await people(options) };
      if (layout === 'right-to-left') {
        const turn = () => document.addEventListener('readystatechange', () => (document.documentElement.dir = 'rtl'));
        for (const context of Object.values(contexts)) await context.addInitScript(turn);
      }
      const page = { whole: await contexts.whole.newPage(), half: await contexts.half.newPage(), nobody: await contexts.nobody.newPage() };
      await signIn(page.whole, url, who);
      await signIn(page.half, url, half, PASSWORD);
      for (const path of pages[door]) {
        const stage = path === '/sign-in/code' ? 'half' : before.includes(path) ? 'nobody' : 'whole';
        const at = page[stage];
        const answer = await at.goto(url + (path === '/setup/token' ? link : path));
        if (absent.includes(path)) expect(answer?.status(), path).toBe(404);
        if (stage === 'whole') await expect(at.locator('.light.good')).toBeVisible();
        await expect(at.locator('h1')).toBeVisible();
        await at.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
        const name = `${door}${path.replaceAll('/', '-').replace(/-$/, '-home')}`;
        await at.screenshot({ path: join(import.meta.dirname, `../screenshots/${layout}/${name}.png`), fullPage: true });
        const wider = await at.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wider, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
        // As tall as the page: what a fixed bar covers now is seen by scrolling, and axe does not scroll.
        await at.setViewportSize({ width: options.viewport.width, height: await at.evaluate(() => document.documentElement.scrollHeight) });
        const axe = await new AxeBuilder({ page: at }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
        const found = axe.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
        expect(found, `${path} in ${layout}`).toEqual([]);
        await at.setViewportSize(options.viewport);
      }
    });
  }
}

test('a page is told from the others, and reads in words how things are', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  for (const path of ['/map', '/networks', '/databases', '/calls', '/volume', '/cdrs', '/alerts', '/operations', '/system', '/users', '/roles', '/audit', '/profile']) {
    await page.goto(panel.staff + path);
    await expect(page).toHaveTitle(/ — Wirecenter$/);
    await expect(page.getByRole('navigation', { name: 'Main' }).locator('[aria-current=page]')).toHaveCount(1);
  }
});

test('an export is the view, as a file', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  await page.goto(`${panel.staff}/users?sort=name&desc=1&q=bil&col=name&col=role`);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export this view' }).click();
  const file = await (await download).path();
  expect(readFileSync(file, 'utf8')).toBe('Name,Role\r\nbilling,billing\r\n');
});

test('the browser’s part crosses the wire small, compressed, once', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  const parts: Record<string, Record<string, string>> = {};
  page.on('response', (response) => {
    const part = /\/pkg\/.*\.(js|css|wasm)$/.exec(new URL(response.url()).pathname)?.[1];
    if (part) parts[part] = response.headers();
  });
  await signIn(page, panel.staff, 'admin');
  await untilLive(page);
  expect(Object.keys(parts).sort()).toEqual(['css', 'js', 'wasm']);
  for (const [part, headers] of Object.entries(parts)) {
    expect(headers['content-encoding'], part).toBe('br');
    expect(headers['cache-control'], part).toBe('public, max-age=31536000, immutable');
  }
  const bytes = (part: string) => Number(parts[part]!['content-length']);
  expect(bytes('wasm'), 'the hard limit').toBeLessThan(400_000);
  expect(bytes('js') + bytes('css')).toBeLessThan(45_000);
});
