// A running panel for the tests: started as a person starts it, watched, and stopped. A test fails when the panel logs a line at
// warning or above, or the browser's console an error, that the test did not announce.
import { test as base, expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PASSWORD = 'tundra kettle orbit';
const PROGRAM = process.env.WIRECENTER ?? join(import.meta.dirname, '../../wirecenter');

export class Panel {
  staff = '';
  portal = '';
  setup: string | null = null;
  readonly state = mkdtempSync(join(tmpdir(), 'wc-e2e-'));
  private child: ChildProcess | undefined;
  private lines: string[] = [];
  private announced: string[] = [];

  static async start(): Promise<Panel> {
    const panel = new Panel();
    await panel.start('127.0.0.1:0', '127.0.0.1:0');
    return panel;
  }

  private async start(staff: string, portal: string): Promise<void> {
    const env = { ...process.env, WIRECENTER_LOG_FORMAT: 'json', DATABASE_URL: '' };
    const args = ['serve', '--json', '--development', '--state', this.state, '--staff', staff, '--portal', portal];
    const child = spawn(PROGRAM, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let rest = '';
    child.stderr!.on('data', (data: Buffer) => {
      const parts = (rest + data.toString()).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    const ready = await new Promise<string>((resolve, reject) => {
      child.stdout!.once('data', (data: Buffer) => resolve(data.toString().split('\n')[0]!));
      child.once('exit', (code) => reject(new Error(`the panel ended with ${code}: ${this.lines.join('\n')}`)));
    });
    Object.assign(this, JSON.parse(ready));
  }

  // At the same addresses, as after an update.
  async restart(between: () => void = () => {}): Promise<void> {
    await this.stop();
    between();
    await this.start(this.staff.slice(7), this.portal.slice(7));
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.state, { recursive: true, force: true });
  }

  command(args: string[], input = ''): string {
    const env = { ...process.env, DATABASE_URL: '' };
    const done = spawnSync(PROGRAM, [...args, '--state', this.state], { env, input, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  addUser(name: string, role: string): void {
    this.command(['user', 'add', name, '--role', role, '--password-stdin'], PASSWORD);
  }

  sql(statement: string): string {
    const socket = join(this.state, 'mariadb/socket');
    const args = ['--no-defaults', `--socket=${socket}`, '--batch', '--skip-column-names', '-e', statement, 'wirecenter'];
    const done = spawnSync('mariadb', args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${statement}: ${done.stderr}`);
    return done.stdout.trim();
  }

  // The panel's MariaDB runs with the panel; between two runs it is started for one statement.
  sqlWhileStopped(statement: string): void {
    const script = `
      mariadbd --no-defaults --datadir="$1/data" --socket="$1/socket" --pid-file="$1/pid" --log-error="$1/error.log" \\
        --skip-networking --innodb-log-file-size=64M --user="$(id -un)" >/dev/null 2>&1 &
      server=$!
      until mariadb --no-defaults --socket="$1/socket" -e "$2" wirecenter 2>/dev/null; do sleep 0.1; done
      kill $server
      wait $server`;
    const done = spawnSync('bash', ['-c', script, 'bash', join(this.state, 'mariadb'), statement], { encoding: 'utf8', timeout: 30_000 });
    if (done.error) throw done.error;
  }

  // The number of the panel's own MariaDB, by the record it keeps.
  mariadb(): number {
    return Number(readFileSync(join(this.state, 'mariadb/pid'), 'utf8'));
  }

  announce(...texts: string[]): void {
    this.announced.push(...texts);
  }

  // Lines at warning or above since the last call that nobody announced.
  takeLoud(): string[] {
    const loud = this.lines.filter((line) => /"level":"(WARN|ERROR)"|panicked/.test(line));
    this.lines = [];
    const announced = this.announced;
    this.announced = [];
    return loud.filter((line) => !announced.some((text) => line.includes(text)));
  }
}

// What a page's console may not say, collected over all pages of a context.
export class Console {
  private said: string[] = [];
  private expected: RegExp[] = [];

  watch(context: BrowserContext): void {
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.said.push(`${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => this.said.push(String(error.error())));
  }

  // The browser itself logs every answer of 400 and above, and every broken connection, as an error.
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  errors(): string[] {
    return this.said.filter((line) => !this.expected.some((pattern) => pattern.test(line)));
  }
}

type Fixtures = { panel: Panel; own: Panel; watched: Console; people: (options?: Parameters<Browser['newContext']>[0]) => Promise<BrowserContext> };

export const test = base.extend<Fixtures, { shared: Panel }>({
  // One panel for all tests of a worker that leave it as they found it …
  shared: [
    async ({}, use) => {
      const panel = await Panel.start();
      for (const role of ['admin', 'noc', 'rates', 'billing', 'viewer', 'customer']) panel.addUser(role, role);
      await use(panel);
      await panel.remove();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  panel: async ({ shared }, use) => {
    await use(shared);
    expect(shared.takeLoud(), 'unannounced in the log').toEqual([]);
  },
  // … and one of its own for a test that breaks things.
  own: async ({}, use) => {
    const panel = await Panel.start();
    await use(panel);
    const loud = panel.takeLoud();
    await panel.remove();
    expect(loud, 'unannounced in the log').toEqual([]);
  },
  watched: async ({}, use) => {
    const watched = new Console();
    await use(watched);
    expect(watched.errors(), 'unannounced in the console').toEqual([]);
  },
  // Contexts whose consoles are watched; one is one person's browser.
  people: async ({ browser, watched }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext(options);
      watched.watch(context);
      contexts.push(context);
      return context;
    });
    for (const context of contexts) await context.close();
  },
});

export { expect };

export async function signIn(page: Page, url: string, name: string, password = PASSWORD): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((to) => !to.pathname.endsWith('/sign-in'));
}

// The page's script has arrived and the stream is open.
export async function untilLive(page: Page): Promise<void> {
  await expect(page.locator('.light.good')).toBeVisible();
}

// The six digits an authenticator shows (RFC 6238), some steps of 30 s from now.
export function totp(secret: string, steps = 0): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/\s|=/g, '')].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac('sha1', key).update(counter).digest();
  const offset = hash[19]! & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
