/** What holds at each step of the package's life, on booted systems; `npm run lifecycle` writes its table down. */
import { test } from 'node:test';
import { suites } from '../parts/lab/debian.ts';
import { lifecycle } from './lifecycle.ts';
import { lifecycleTable } from './lifecycle-table.ts';
import { unavailable } from './machine.ts';
import { deb, noRpm, rpm } from './packages.ts';

const skip = unavailable();

for (const release of Object.keys(suites) as (keyof typeof suites)[]) {
  test(`${suites[release]}: installed, held, upgraded, removed, purged`, { skip }, async (t) => {
    const steps = await Array.fromAsync(lifecycle(release, deb));
    t.diagnostic(`\n${lifecycleTable(steps)}`);
  });
}

test('Debian 12 with rpm: the .rpm does the same', { skip: skip || noRpm() }, async (t) => {
  const steps = await Array.fromAsync(lifecycle('bookworm', rpm));
  t.diagnostic(`\n${lifecycleTable(steps)}`);
});
