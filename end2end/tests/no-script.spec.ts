// With scripts off, and so before the script has arrived, everything still works: links, filters, forms, dialogs.
import { PASSWORD, expect, signIn, test } from './panel';

test.use({ javaScriptEnabled: false });

const off = { javaScriptEnabled: false };

test('sign in, look, filter, sort, choose columns, page', async ({ panel, people }) => {
  const page = await (await people(off)).newPage();
  await signIn(page, panel.staff, 'admin');
  await page.goto(`${panel.staff}/system`);
  await expect(page.getByText('Everything the panel needs answers.')).toBeVisible();
  await expect(page.locator('.chart path.line').first()).toHaveAttribute('d', /M/);
  await page.getByRole('link', { name: 'Users', exact: true }).click();
  await page.getByRole('searchbox', { name: 'Name' }).fill('i');
  await page.locator('.bar').getByLabel('Role').selectOption('billing');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page).toHaveURL(/q=i&role=billing/);
  await expect(page.locator('tbody tr')).toHaveCount(1);
  await page.getByRole('link', { name: 'Show all' }).click();
  await page.getByRole('link', { name: 'Role', exact: true }).click();
  await expect(page.getByRole('columnheader', { name: 'Role' })).toHaveAttribute('aria-sort', 'ascending');
  await page.getByRole('link', { name: 'Role', exact: true }).click();
  await expect(page.getByRole('columnheader', { name: 'Role' })).toHaveAttribute('aria-sort', 'descending');
  await expect(page.locator('tbody tr td').first()).toHaveText('viewer');
  await page.getByText('Columns', { exact: true }).click();
  await page.getByRole('checkbox', { name: 'Sessions' }).uncheck();
  await page.getByRole('button', { name: 'Apply' }).last().click();
  await expect(page.getByRole('columnheader', { name: 'Sessions' })).toHaveCount(0);
  await expect(page.getByRole('columnheader', { name: 'Role' })).toHaveAttribute('aria-sort', 'descending');
});

test('add, refuse, confirm, disable, enable', async ({ own, people }) => {
  own.addUser('ada', 'admin');
  const page = await (await people(off)).newPage();
  await signIn(page, own.staff, 'ada');
  await page.goto(`${own.staff}/users/new`);
  await page.getByLabel('Name', { exact: true }).fill('not a name');
  await page.getByRole('button', { name: /Add and make/ }).click();
  await expect(page.getByText('Expected: 2 to 64 letters')).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('grace');
  await page.getByRole('button', { name: /Add and make/ }).click();
  await expect(page.getByText(/grace was added\. Send them this link/)).toBeVisible();
  await page.getByRole('link', { name: 'Disable…' }).click();
  await page.getByLabel('Type grace to confirm').fill('graze');
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByText('Expected: the user\'s name, grace.')).toBeVisible();
  await page.getByLabel('Type grace to confirm').fill('grace');
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByText('grace is disabled and signed out everywhere.')).toBeVisible();
  await page.getByRole('link', { name: 'Enable…' }).click();
  await page.getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByText('grace can sign in again.')).toBeVisible();
});

test('theme and rows are kept, the wall hides all chrome', async ({ panel, people }) => {
  const page = await (await people(off)).newPage();
  await signIn(page, panel.staff, 'viewer');
  await page.getByText('Look', { exact: true }).click();
  await page.getByLabel('Theme').selectOption('contrast');
  await page.getByLabel('Rows').selectOption('roomy');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'contrast');
  await page.goto(`${panel.staff}/profile`);
  await expect(page.locator('html')).toHaveAttribute('data-density', 'roomy');
  await page.goto(`${panel.staff}/system?kiosk=tv`);
  await expect(page.getByText('Everything the panel needs answers.')).toBeVisible();
  await expect(page.locator('header')).toBeHidden();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden();
});

test('own password and sessions', async ({ own, people }) => {
  own.addUser('ada', 'noc');
  const [one, two] = [await (await people(off)).newPage(), await (await people(off)).newPage()];
  await signIn(one, own.staff, 'ada');
  await signIn(two, own.staff, 'ada');
  await one.goto(`${own.staff}/profile`);
  await one.getByRole('button', { name: 'End', exact: true }).click();
  await expect(one.getByText('The session was ended')).toBeVisible();
  await two.goto(`${own.staff}/system`);
  await expect(two).toHaveURL(/\/sign-in\?next=/);
  await one.getByLabel('Current password').fill(PASSWORD);
  await one.getByLabel('New password').fill('granite pillow river');
  await one.getByRole('button', { name: 'Change password' }).click();
  await expect(one.getByText('Your password was changed')).toBeVisible();
});
