import { expect, signIn, test, untilLive } from './panel';

test('the first action of a page is at most three Tab stops away', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  await page.goto(`${panel.staff}/users`);
  await untilLive(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#main$/);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Roles' }).last()).toBeFocused();
});

test('the palette, the filter, the key map and the letters after g', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  await untilLive(page);
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('combobox', { name: 'Page, user or anything in the log' });
  await expect(palette).toBeFocused();
  await page.keyboard.type('aud');
  await expect(page.getByRole('listbox', { name: 'Pages' }).getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${panel.staff}/audit`);
  await untilLive(page);

  await page.keyboard.press('/');
  await expect(page.locator('[data-slash]')).toBeFocused();
  await page.keyboard.type('noc');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/audit\?.*q=noc/);
  await untilLive(page);

  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toHaveCount(0);
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await expect(page).toHaveURL(`${panel.staff}/users`);
  await untilLive(page);
  await page.keyboard.press('Control+k');
  await expect(palette).toBeFocused();
  await page.keyboard.type('viewer');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Search' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'viewer' })).toBeVisible();
});

test('a dialog is modal, named, keeps the focus inside and closes with Escape', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  await page.goto(`${panel.staff}/users?q=rates`);
  await page.getByRole('link', { name: 'rates', exact: true }).click();
  await untilLive(page);
  const path = new URL(page.url()).pathname;
  await page.getByRole('link', { name: 'Disable…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Disable rates' });
  await expect(dialog).toBeVisible();
  await expect.poll(() => dialog.evaluate((element) => element.matches(':modal'))).toBe(true);
  await expect(dialog.getByLabel('Type rates to confirm')).toBeFocused();
  for (let i = 0; i < 5; i += 1) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog'));
    expect(inside).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(`${panel.staff}${path}`);
  await expect(dialog).toHaveCount(0);
});

test('a button that cannot be used says why to whoever reaches it', async ({ panel, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, panel.staff, 'admin');
  await page.goto(`${panel.staff}/users?q=admin`);
  await page.getByRole('link', { name: 'admin', exact: true }).last().click();
  const button = page.getByRole('button', { name: 'Disable…' });
  await expect(page.locator('#why-disable')).toBeHidden();
  await expect(button).toHaveAttribute('aria-disabled', 'true');
  await expect(button).toHaveAccessibleDescription(/This is your own account/);
  await button.focus();
  await expect(page.locator('#why-disable')).toBeVisible();
});
