// Brings the page's islands to life once the browser has painted: one island a task, so that between two of them the page
// answers whoever types or scrolls.
const idle = (then) => ('requestIdleCallback' in window ? requestIdleCallback(then, { timeout: 1000 }) : setTimeout(then));
await new Promise(idle);
const page = await import(`${root}/wirecenter.js`);
await page.default({ module_or_path: `${root}/wirecenter.wasm` });
page.hydrate();
for (const island of document.querySelectorAll('leptos-island')) {
  await new Promise((next) => setTimeout(next));
  page[island.dataset.component](island);
}
