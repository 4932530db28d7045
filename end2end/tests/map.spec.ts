// The first screen. Without an inventory it says how to get one; what it shows of machines is tested with the lab.
import { expect, signIn, test } from './panel';

for (const javaScriptEnabled of [true, false]) {
  test(`without an inventory the map says how to get one (${javaScriptEnabled ? 'with' : 'without'} a script)`, async ({ panel, people, watched }) => {
    watched.expect(/404/);
    const page = await (await people({ javaScriptEnabled })).newPage();
    await signIn(page, panel.staff, 'viewer');
    await page.goto(`${panel.staff}/map`);
    await expect(page.getByText('No inventory: the panel does not know any machine.')).toBeVisible();
    await expect(page.getByText('wirecenter serve --lab')).toBeVisible();
    const missing = await page.goto(`${panel.staff}/machines/kamailio-01`);
    expect(missing?.status()).toBe(404);
    await expect(page.getByText(/kamailio-01/).first()).toBeVisible();
  });
}
