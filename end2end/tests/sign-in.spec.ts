import { PASSWORD, expect, signIn, test, totp, untilLive } from './panel';

test('a new user opens the printed link, sets a password and sees System live', async ({ own, people, watched }) => {
  const page = await (await people()).newPage();
  await page.goto(own.setup!);
  await expect(page.getByRole('heading', { name: 'Set Wirecenter up' })).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('Ada');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: /Set the password/ }).click();
  await expect(page.getByText('Expected: at least 12 characters')).toBeVisible();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Ada');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: /Set the password/ }).click();
  await expect(page).toHaveURL(`${own.staff}/map`);
  await page.goto(`${own.staff}/system`);
  await expect(page.getByText('Everything the panel needs answers.')).toBeVisible();
  await untilLive(page);
  // It lives: the uptime goes on without a reload.
  const uptime = page.locator('.figure', { hasText: 'Running for' }).locator('dd');
  const before = await uptime.innerText();
  await expect.poll(() => uptime.innerText()).not.toBe(before);
  // The page that lives may ask once more while the answer that signs it out is on its way.
  watched.expect(/status of 401.*\/api\/system\//);
  await page.locator('summary', { hasText: 'ada' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByText('You are signed out of this browser.')).toBeVisible();
  await signIn(page, own.staff, 'ADA');
  await expect(page).toHaveURL(`${own.staff}/map`);
});

test('a wrong password says so once and keeps the name', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await page.goto(`${panel.staff}/sign-in`);
  await page.getByLabel('Name', { exact: true }).fill('viewer');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('Name or password is wrong.');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('viewer');
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  await page.reload();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('each role finds its menu, and a page it may not open says why', async ({ panel, people, watched }) => {
  watched.expect(/status of 403/);
  const fleet = ['Map', 'Networks', 'Databases'];
  const calls = ['Calls', 'Volume', 'CDRs'];
  const menus: Record<string, string[]> = {
    admin: [...fleet, ...calls, 'Alerts', 'Operations', 'System', 'Users', 'Roles', 'Audit', 'Gallery', 'Profile'],
    noc: [...fleet, ...calls, 'Alerts', 'Operations', 'System', 'Audit', 'Gallery', 'Profile'],
    rates: [...fleet, ...calls, 'Alerts', 'Operations', 'System', 'Gallery', 'Profile'],
    billing: [...fleet, ...calls, 'Alerts', 'Operations', 'System', 'Gallery', 'Profile'],
    viewer: [...fleet, 'Alerts', 'Operations', 'System', 'Gallery', 'Profile'],
  };
  for (const [role, items] of Object.entries(menus)) {
    const page = await (await people()).newPage();
    await signIn(page, panel.staff, role);
    const menu = page.getByRole('navigation', { name: 'Main' }).locator('.item');
    await expect(menu).toHaveText(items);
    if (role !== 'admin') {
      await page.goto(`${panel.staff}/users`);
      await expect(page.getByText('Your role does not allow you to see or change users.')).toBeVisible();
      await expect(page.getByText(/request [0-9a-f]{16}/)).toBeVisible();
    }
  }
});

test('a customer signs in at the portal and only there', async ({ panel, people }) => {
  const page = await (await people({ viewport: { width: 390, height: 844 }, hasTouch: true })).newPage();
  await signIn(page, panel.portal, 'customer');
  await expect(page.getByRole('heading', { name: 'Account' })).toBeVisible();
  await page.goto(`${panel.staff}/sign-in`);
  await page.getByLabel('Name', { exact: true }).fill('customer');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('Name or password is wrong.');
});

test('a second step is set up with an authenticator and asked for at the next sign-in', async ({ own, people }) => {
  own.addUser('ada', 'noc');
  const page = await (await people()).newPage();
  await signIn(page, own.staff, 'ada');
  await page.goto(`${own.staff}/profile`);
  await page.getByRole('button', { name: 'Set up a second step' }).click();
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const secret = await page.locator('code.copy').innerText();
  const codes = await page.locator('.codes code').allInnerTexts();
  expect(codes).toHaveLength(10);
  await page.getByLabel('Code', { exact: true }).fill(totp(secret, -1));
  await page.getByRole('button', { name: 'Switch on' }).click();
  await expect(page.getByText('Your second step is on')).toBeVisible();

  const other = await (await people()).newPage();
  await other.goto(`${own.staff}/audit`);
  await other.getByLabel('Name', { exact: true }).fill('ada');
  await other.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await expect(other.getByRole('heading', { name: 'Second step' })).toBeVisible();
  await other.getByLabel('Code', { exact: true }).fill(codes[0]!);
  await other.getByRole('button', { name: 'Go on' }).click();
  await expect(other, 'on to the page that was wanted').toHaveURL(`${own.staff}/audit`);
});

test('an ended session is told on the open page, and what was typed survives the sign-in', async ({ own, people, watched }) => {
  watched.expect(/status of 401/);
  own.addUser('ada', 'admin');
  const page = await (await people()).newPage();
  await signIn(page, own.staff, 'ada');
  await page.goto(`${own.staff}/users/new`);
  await untilLive(page);
  await page.getByLabel('Name', { exact: true }).fill('grace.hopper');
  await page.getByLabel('Role').selectOption('billing');
  own.command(['user', 'passwd', 'ada', '--password-stdin'], 'granite pillow river');
  const dialog = page.getByRole('alertdialog', { name: 'Your session has ended' });
  await expect(dialog).toBeVisible({ timeout: 3_000 });
  await dialog.getByRole('button', { name: 'Sign in again' }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('granite pillow river');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${own.staff}/users/new`);
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('grace.hopper');
  await expect(page.getByLabel('Role')).toHaveValue('billing');
});

test('thirty seconds before an idle session ends the page counts down, and a click keeps it', async ({ own, people, watched }) => {
  watched.expect(/status of 401|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
  own.addUser('ada', 'admin');
  const context = await people();
  const page = await context.newPage();
  await signIn(page, own.staff, 'ada');
  await untilLive(page);
  // The panel forgets the input it saw, and reads the table, when it is started again.
  const startedAgainAfter = (seconds: number) =>
    own.restart(() => own.sqlWhileStopped(`UPDATE sessions SET last_input_at = UTC_TIMESTAMP(6) - INTERVAL ${seconds} SECOND`));
  // The open page hears that the panel was started again, and asks how long the session lives; that is not input.
  await startedAgainAfter(1_775);
  const dialog = page.getByRole('alertdialog', { name: 'Still there?' });
  await expect(dialog).toBeVisible({ timeout: 10_000 });
  await expect(dialog).toContainText(/signed out in\s+\d+ s/);
  await dialog.getByRole('button', { name: 'Stay signed in' }).click();
  await expect(dialog).toHaveCount(0);
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page.getByRole('heading', { name: 'Users' })).toBeVisible();

  await untilLive(page);
  await startedAgainAfter(1_796);
  await expect(page.getByRole('alertdialog', { name: 'Your session has ended' })).toBeVisible({ timeout: 15_000 });
});
