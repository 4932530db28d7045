// Calls as people see them: one that is up until it is its record, a hang-up by keyboard, searches and ranges that cannot be read, and
// the way from a figure to the calls behind it.
import type { ChildProcess } from 'node:child_process';
import type { Locator, Page } from '@playwright/test';
import { type Lab, test } from './lab';
import { expect, signIn, untilLive } from './panel';

const CALLED = '442079460123';

test.describe.configure({ mode: 'serial', timeout: 180_000 });

// Presses Tab until the element has the focus, as somebody without a mouse does.
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await expect(wanted).toBeVisible();
  for (let stops = 0; stops < 120; stops++) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`no Tab stop of ${page.url()} is ${wanted}`);
}

// A call that is up, by its page's path.
async function callThatIsUp(page: Page, carrier: Lab, talk: string): Promise<{ call: ChildProcess; path: string }> {
  await page.goto(`${carrier.panel.staff}/calls`);
  await untilLive(page);
  // Until every PBX is heard a call would not be seen.
  const said = page.locator('.live-calls .say');
  await expect(said).toContainText(/is up|are up/, { timeout: 90_000 });
  await expect(said).not.toContainText('does not answer', { timeout: 90_000 });
  const call = carrier.call(CALLED, talk);
  const row = page.locator('tr', { hasText: CALLED });
  await expect(row).toContainText('up', { timeout: 10_000 });
  const path = await row.getByRole('link', { name: CALLED, exact: true }).getAttribute('href');
  expect(path).toMatch(/^\/calls\/./);
  return { call, path: path! };
}

async function untilRecorded(page: Page, address: string): Promise<void> {
  await expect(async () => {
    expect((await page.goto(address))?.status()).toBe(200);
    await expect(page.locator('dl.call-facts').first()).toContainText('Outcome', { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
}

test('by keyboard alone: from the list to the call, and its end', async ({ carrier, people }) => {
  const { staff } = carrier.panel;
  const page = await (await people()).newPage();
  await signIn(page, staff, 'noc');
  const { call, path } = await callThatIsUp(page, carrier, '90s');
  await tabTo(page, page.getByRole('link', { name: CALLED, exact: true }));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(staff + path);
  await untilLive(page);
  const main = page.locator('main');
  await expect(main).toContainText(/Up through asterisk-0\d with \S+, answered at/);
  await expect(main).toContainText('Customer’s leg');
  await expect(page.getByRole('region', { name: 'Table of the call’s messages' })).toContainText(`INVITE ${CALLED}`);
  await tabTo(page, page.getByRole('link', { name: /^Hang up the call from/ }));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: /^Hang up the call from/ });
  await tabTo(page, dialog.getByRole('button', { name: 'Hang up' }));
  await page.keyboard.press('Enter');
  await expect(page.getByText(/was ended/)).toBeVisible();
  await expect(page.locator('tr', { hasText: CALLED })).toHaveCount(0, { timeout: 5_000 });
  await untilRecorded(page, staff + path);
  await expect(main).toContainText('answered');
  call.kill();
});

test('the page of a call tells its end, that its record is collected, and shows it', async ({ carrier, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, carrier.panel.staff, 'noc');
  const { call, path } = await callThatIsUp(page, carrier, '12s');
  const answer = await page.goto(carrier.panel.staff + path);
  expect(answer?.status()).toBe(200);
  await untilLive(page);
  const main = page.locator('main');
  await expect(main).toContainText('Up through asterisk-0');
  // Nobody loads the page again.
  await expect(main).toContainText(/Ended at \d\d:\d\d:\d\d UTC/, { timeout: 30_000 });
  const record = page.getByRole('link', { name: 'Show its record' });
  await expect(record).toBeVisible({ timeout: 60_000 });
  await expect(main).toContainText('its record is collected');
  await record.click();
  await expect(page.locator('dl.call-facts').first()).toContainText('Outcome');
  await expect(main).toContainText(/Answered by \S+ through asterisk-0/);
  call.kill();
});

test('without a script: the call that is up, its dialog, and every page of calls', async ({ carrier, people }) => {
  const { staff } = carrier.panel;
  const scripted = await (await people()).newPage();
  await signIn(scripted, staff, 'noc');
  const { call, path } = await callThatIsUp(scripted, carrier, '60s');
  const page = await (await people({ javaScriptEnabled: false })).newPage();
  await signIn(page, staff, 'noc');
  for (const [address, text] of [
    ['/calls', CALLED],
    [path, 'Up through asterisk-0'],
    ['/volume', 'answered ÷ attempts that are over'],
    ['/volume?range=live', 'calls that are up at the PBXs now'],
    ['/volume?by=carrier', 'By carrier each try counts'],
    ['/cdrs', 'pass'],
  ] as const) {
    const answer = await page.goto(staff + address);
    expect(answer?.status(), address).toBe(200);
    await expect(page.locator('main'), address).toContainText(text);
  }
  await page.goto(staff + path);
  await page.getByRole('link', { name: /^Hang up the call from/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hang up' }).click();
  await expect(page.getByText(/was ended|is being ended/)).toBeVisible();
  call.kill();
});

test('a search or a range that cannot be read says so at its field, shows nothing and loses nothing', async ({ carrier, people }) => {
  const { staff } = carrier.panel;
  const page = await (await people()).newPage();
  await signIn(page, staff, 'noc');
  await page.goto(`${staff}/cdrs`);
  const search = page.getByRole('search', { name: 'Search calls' });
  await search.getByLabel('Number').fill('00');
  await search.getByLabel('Customer').fill('somebody');
  await search.getByRole('button', { name: 'Search' }).click();
  const number = search.getByLabel('Number');
  await expect(number).toHaveAttribute('aria-invalid', 'true');
  await expect(number).toHaveValue('00');
  await expect(search.getByLabel('Customer')).toHaveValue('somebody');
  await expect(page.getByText('Nothing was searched.')).toBeVisible();
  await expect(page.locator('main tbody tr')).toHaveCount(0);

  await page.goto(`${staff}/volume?by=customer`);
  const range = page.getByRole('form', { name: 'Custom range' });
  await range.getByLabel('From (UTC)').fill('22.11.2026');
  await range.getByLabel('To (UTC)').fill('2026-11-23');
  await range.getByRole('button', { name: 'Show' }).click();
  await expect(range.getByLabel('From (UTC)')).toHaveAttribute('aria-invalid', 'true');
  await expect(range.getByLabel('From (UTC)')).toHaveValue('22.11.2026');
  await expect(range.getByLabel('To (UTC)')).not.toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText('Nothing was counted.')).toBeVisible();
  await expect(page.locator('main .figures, main .chart')).toHaveCount(0);
  // The cut that was chosen is still there with the next range.
  await page.getByRole('navigation', { name: 'Range' }).getByRole('link', { name: '24h' }).click();
  await expect(page).toHaveURL(/by=customer/);
  await expect(page.getByText('Nothing was counted.')).toHaveCount(0);
});

test('from a row and from a point of the charts to the calls behind it', async ({ carrier, people }) => {
  const { staff } = carrier.panel;
  const page = await (await people()).newPage();
  await signIn(page, staff, 'noc');
  await page.goto(`${staff}/volume?by=customer&range=1h`);
  const table = page.getByRole('navigation', { name: 'Cut by' }).locator('xpath=ancestor::section').locator('tbody');
  const row = table.locator('tr').first();
  const attempts = (await row.locator('td').nth(1).innerText()).trim();
  const link = row.getByRole('link').first();
  const name = await link.innerText();
  await link.click();
  await expect(page).toHaveURL(/\/cdrs\?/);
  const address = new URL(page.url());
  expect(address.searchParams.get('customer')).toBe(name);
  expect([...address.searchParams.keys()].sort()).toEqual(['customer', 'from', 'to']);
  await expect(page.getByRole('status').filter({ hasText: /the filter/ })).toContainText(new RegExp(`^${attempts} calls? pass`));

  await page.goto(`${staff}/volume?by=customer&range=1h&name=${encodeURIComponent(name)}`);
  await untilLive(page);
  const busy = page.locator('figure', { hasText: 'CPS' }).first().locator('a.bucket:not([aria-label*=" 0.00 "]):not([aria-label*="no value"])').last();
  await expect(busy).toHaveAttribute('aria-label', /UTC/);
  await busy.click();
  await expect(page).toHaveURL(/\/cdrs\?/);
  expect(new URL(page.url()).searchParams.get('customer')).toBe(name);
  await expect(page.locator('main tbody tr').first()).toContainText(CALLED);
});

test('the charts of an open page have a call soon after its end', async ({ carrier, people }) => {
  const page = await (await people()).newPage();
  await signIn(page, carrier.panel.staff, 'noc');
  await page.goto(`${carrier.panel.staff}/volume?range=1h`);
  await untilLive(page);
  const figure = page.locator('[data-fresh="figures"] .figure', { hasText: /^Attempts/ }).locator('dd');
  const attempts = async () => Number.parseInt((await figure.textContent()) ?? '', 10) || 0;
  const before = await attempts();
  // Nobody loads the page again, and what the keyboard is in stays as it is.
  await page.evaluate(() => Object.assign(window, { stays: true }));
  const point = page.locator('[data-fresh="charts"] a.bucket:not([tabindex="-1"])').last();
  const call = carrier.call(CALLED, '1s');
  await expect(async () => expect(await attempts()).toBe(before + 1)).toPass({ timeout: 15_000 });
  await point.focus();
  const next = carrier.call(CALLED, '1s');
  await expect(async () => expect(await attempts()).toBe(before + 2)).toPass({ timeout: 15_000 });
  await expect(point).toBeFocused();
  expect(await page.evaluate(() => 'stays' in window)).toBe(true);
  call.kill();
  next.kill();
});
