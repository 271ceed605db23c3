/**
 * `npm run lifecycle`: the package's life on each release of Debian, and what it adds to a boot, into docs/lifecycle.md. Takes
 * some minutes; needs root and systemd-nspawn.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { writtenBy } from '../parts/written-page.ts';
import { bootCosts } from './boot-cost.ts';
import { bootTable } from './boot-table.ts';
import { lifecycle } from './lifecycle.ts';
import { lifecycleTable } from './lifecycle-table.ts';
import { unavailable } from './machine.ts';
import { OTHERS } from './manifest.ts';
import { deb, type Format, noRpm, rpm } from './packages.ts';

const BOOTS = 3;

const missing = unavailable();
if (missing) {
  console.log(`The package's life ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS;
console.log('the lives …');
const releases = Object.keys(suites) as Suite[];
// One after the other, so that each measurement is of one system only.
const lives: string[] = [];
for (const release of releases) lives.push(await life(suites[release], release, deb));
if (!noRpm()) lives.push(await life("Debian 12, the .rpm with Debian's rpm", 'bookworm', rpm));
console.log('boots …');
const boots = bootTable(await bootCosts('bookworm', BOOTS));
writeFileSync(join(REPOSITORY, 'docs/lifecycle.md'), page());
console.log('docs/lifecycle.md is written');

async function life(title: string, release: Suite, format: Format): Promise<string> {
  const steps = await Array.fromAsync(lifecycle(release, format));
  console.log(title);
  return `## ${title}\n\n${lifecycleTable(steps)}`;
}

function page(): string {
  const machine = `${availableParallelism()} processors, load ${loadavg()[1]!.toFixed(1)}`;
  return `# The package's life

This page is for the operator who wants to know what holds during an upgrade, a removal or a fault. Written by
${writtenBy('lifecycle')}, ${machine}. \`npm run test:systems\` does the same, and
fails if a cell differs.

Each table is one Debian that boots with systemd, ifupdown and dhclient. Its DHCP server offers other name servers than the configured
ones, and the lease is renewed every one to two seconds. After each step

- *now* is the content of resolv.conf and the kernel's value;
- *lease*: a poller reads resolv.conf without a pause while renewals come; *held* means that the file was never wrong, not for an instant;
- *boot* is the content of dhclient.conf and /etc/sysctl.d. The steps with a reboot show that these files take effect.

In all tables, no lease is declined and the address never changes.

${lives.join('\n')}
## Nothing left

After the purge every file, folder and link of the system has the kind, mode, owner, target and content (SHA-256) that it had
before the installation. These paths are not compared, because other programs write them all the time:

${Object.entries(OTHERS)
  .map(([path, why]) => `- \`${path}\`: ${why}`)
  .join('\n')}

A dhclient that *started* with Holdfast's dhclient.conf keeps the settings that it read. After a revert or a purge its renewals bring these
settings back until dhclient is started again (here by the reboot).

## What it adds to a boot

Debian 12, ${BOOTS} boots each, by systemd's own records (what \`systemd-analyze\` prints). The network waits for
holdfast-apply.service, so that the hooks and dhclient.conf are right before the first lease. Nothing waits for
holdfast.service, which is ready while other services still start.

${boots}`;
}
