// A running carrier beside a panel of its own, for the tests of a worker. One lab at a time: two cores are not enough for two of them,
// and a test that waits ten seconds for something to turn red would wait for the other lab.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Panel, test as base } from './panel';

const PROGRAM = process.env.WIRECENTER ?? join(import.meta.dirname, '../../wirecenter');
// scripts/e2e.sh gives each run a folder for temporary files of its own, so what a killed run leaves here locks nobody out.
const LOCK = join(tmpdir(), 'wirecenter-e2e-lab');

export class Lab {
  readonly why: string | undefined;
  constructor(readonly panel: Panel) {
    const up = this.run('up');
    if (up.status !== 0) this.why = up.stderr.trim().split('\n').pop();
  }
  run(...words: string[]) {
    return spawnSync(PROGRAM, ['lab', ...words, '--state', this.panel.state], { encoding: 'utf8', timeout: 120_000 });
  }
  call(number: string, talk: string): ChildProcess {
    return spawn(PROGRAM, ['lab', 'call', '--to', number, '--talk', talk, '--state', this.panel.state], { stdio: 'ignore' });
  }
}

async function lock(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      await sleep(500);
    }
  }
}

export const test = base.extend<object, { carrier: Lab }>({
  carrier: [
    async ({}, use) => {
      await lock();
      try {
        const panel = await Panel.start();
        panel.addUser('noc', 'noc');
        const lab = new Lab(panel);
        await use(lab);
        lab.run('down');
        await panel.remove();
      } finally {
        rmdirSync(LOCK);
      }
    },
    { scope: 'worker', timeout: 900_000 },
  ],
});

test.beforeEach(({ carrier }) => {
  // Root and the daemons are needed; where they are not, this says so.
  test.skip(carrier.why !== undefined, `no lab here: ${carrier.why}`);
});
