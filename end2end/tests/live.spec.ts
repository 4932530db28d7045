import { expect, signIn, test, untilLive } from './panel';

// What the browser itself says while a connection is cut.
const CUT = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 503/;

test('a change made at the command line shows on the open page within a second', async ({ own, people }) => {
  own.addUser('ada', 'admin');
  const page = await (await people()).newPage();
  await signIn(page, own.staff, 'ada');
  await page.goto(`${own.staff}/users`);
  await untilLive(page);
  own.command(['user', 'add', 'bob', '--role', 'noc']);
  const show = page.getByRole('link', { name: 'Changed meanwhile: show' });
  await expect(show).toBeVisible({ timeout: 1_500 });
  await show.click();
  await expect(page.getByRole('link', { name: 'bob' })).toBeVisible();
});

test('all tabs of a browser share one stream, and it outlives the tab that had it', async ({ own, people }) => {
  own.addUser('ada', 'admin');
  const context = await people();
  const first = await context.newPage();
  await signIn(first, own.staff, 'ada');
  await untilLive(first);
  const others = [await context.newPage(), await context.newPage()];
  for (const page of others) {
    await page.goto(`${own.staff}/system`);
    await untilLive(page);
  }
  const streams = async () => {
    const text = await (await fetch(`${own.staff}/metrics`)).text();
    return /wirecenter_live_browsers (\d+)/.exec(text)?.[1];
  };
  await expect.poll(streams).toBe('1');
  await first.close();
  own.command(['user', 'add', 'bob', '--role', 'noc']);
  await others[0]!.goto(`${own.staff}/users`);
  await untilLive(others[0]!);
  await expect.poll(streams).toBe('1');
  own.command(['user', 'disable', 'bob']);
  await expect(others[0]!.getByRole('link', { name: 'Changed meanwhile: show' })).toBeVisible();
  await untilLive(others[1]!);
});

test('a killed database is told at once on every page, and the page goes on by itself', async ({ own, people, watched }) => {
  watched.expect(CUT);
  own.announce('the private MariaDB ended', 'the database does not answer');
  own.addUser('ada', 'admin');
  const context = await people();
  const [system, users] = [await context.newPage(), await context.newPage()];
  await signIn(system, own.staff, 'ada');
  await system.goto(`${own.staff}/system`);
  await users.goto(`${own.staff}/users/new`);
  await untilLive(users);
  await system.bringToFront();
  await untilLive(system);
  process.kill(own.mariadb(), 'SIGKILL');
  await expect(system.getByText(/The private MariaDB ended \(signal: 9 \(SIGKILL\)\)/)).toBeVisible();
  await expect(system.getByText('The private MariaDB answers again')).toBeVisible({ timeout: 20_000 });
  await expect(system.getByText('Everything the panel needs answers.')).toBeVisible();
  await expect(system.locator('.banner')).toHaveCount(0);
});

test('while the database is frozen the banner stands, and a page that waits for it comes back', async ({ own, people, watched }) => {
  watched.expect(CUT);
  own.announce('the database does not answer');
  own.addUser('ada', 'admin');
  const page = await (await people()).newPage();
  await signIn(page, own.staff, 'ada');
  await untilLive(page);
  process.kill(own.mariadb(), 'SIGSTOP');
  try {
    await expect(page.locator('.banner')).toContainText(/does not answer since \d\d:\d\d:\d\d UTC/);
    await page.goto(`${own.staff}/users`);
    await expect(page.getByText(/could not list the users\. Nothing was changed/)).toBeVisible();
    await expect(page.locator('.banner')).toContainText('You stay signed in');
  } finally {
    process.kill(own.mariadb(), 'SIGCONT');
  }
  await expect(page.getByRole('link', { name: 'ada' }), 'without anybody reloading').toBeVisible({ timeout: 10_000 });
  await expect(page.locator('.banner')).toHaveCount(0);
});

test('a restart of the panel is told, values turn unknown, and all goes on within three seconds', async ({ own, people, watched }) => {
  watched.expect(CUT);
  own.addUser('ada', 'admin');
  const page = await (await people()).newPage();
  await signIn(page, own.staff, 'ada');
  await page.goto(`${own.staff}/system`);
  await untilLive(page);
  await own.stop();
  await expect(page.locator('.light.bad')).toContainText('not live for');
  await expect(page.getByText(/Unknown since \d\d:\d\d:\d\d UTC/), 'never the last color').toBeVisible({ timeout: 12_000 });
  await own.restart();
  const back = Date.now();
  await expect(page.locator('.light.good')).toBeVisible({ timeout: 3_000 });
  await expect(page.getByText('Everything the panel needs answers.')).toBeVisible({ timeout: 3_000 });
  expect(Date.now() - back).toBeLessThan(3_500);
});

test('a chart reads a value out under the pointer', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'viewer');
  await page.goto(`${panel.staff}/system`);
  await untilLive(page);
  const chart = page.locator('.chart', { hasText: 'Memory' }).first();
  await expect(chart.locator('path.line')).toHaveAttribute('d', /L/, { timeout: 10_000 });
  await chart.locator('svg').first().hover({ position: { x: 200, y: 40 } });
  await expect(chart.locator('.read')).toContainText(/\d\d:\d\d:\d\d UTC/);
  await expect(chart.locator('line.cursor')).toHaveCount(1);
});
