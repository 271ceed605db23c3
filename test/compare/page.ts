/** docs/comparison.md: what was done, and the tables. As a program it writes the page anew from what was measured. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../parts/lab/host.ts';
import { type Finding, findings, type Tables } from './findings.ts';
import { EVERY_MS, PATIENCE_MS } from './look-ups.ts';
import { bootedSubject } from './subject.ts';
import { comparison, plugs, proofs } from './table.ts';
import { VERSIONS } from './ways.ts';

export async function writePage(): Promise<void> {
  writeFileSync(join(REPOSITORY, 'docs/comparison.md'), page(await versions()));
}

function page(tools: readonly string[]): string {
  const tables = (['tools', 'clients', 'proofs', 'plugs'] as const).map((table) => findings(table));
  const all = tables.flat();
  const failed = all.filter(({ row }) => row === null).map(({ title }) => title);
  const loads = all.map(({ load }) => load).sort((a, b) => a - b);
  return `# The same change by others

Written by \`npm run compare\`; measured ${different(all, 'date')} at ${different(all, 'commit')} with Linux ${different(all, 'kernel')} on a
machine with ${availableParallelism()} cores and a load average of ${loads.at(0)?.toFixed(0)} to ${loads.at(-1)?.toFixed(0)}. How long a
tool took, and how many look-ups and pings there were, depends on that. ${tools.join('; ')}.

Each row is a Debian 12 of its own that boots with systemd, ifupdown and dhclient, whose dhclient.conf names two old DNS servers;
old and new ones all answer. The change puts two new servers, a search list and \`options\` into resolv.conf and dhclient.conf.
No renewal falls into the change (a dhclient that the tool leaves alone is stopped meanwhile by SIGSTOP); then there is one every second,
${rows('tools')[0]?.renewals.count} of them. Then the old servers are shut down, and at last the host is rebooted. In between

- a poller reads resolv.conf without a pause while the renewals come: *wrong* is a file whose \`nameserver\` lines are not the new ones,
  *empty* one that has no content or is not there;
- a process every ${EVERY_MS} ms looks up a name through the C library (\`getent\`); one that has not found the right address in
  ${PATIENCE_MS / 1000} s has failed;
- an address behind the default route is pinged every 10 ms.

Each tool copies the same files into place by its own means (CFEngine's \`copy_from\`, Puppet's \`file\`, Ansible's \`copy\`), in four
variants: the files; the files, and where dhclient.conf changed the usual handler, which restarts networking; and what is written by
somebody who knows that dhclient reads its configuration only once: an exit hook that copies resolv.conf back after
each event, and an enter hook that makes dhclient leave resolv.conf alone (\`make_resolv_conf() { :; }\`).

A tool that runs regularly puts resolv.conf right again at its next run (Puppet by default every 30 minutes, cf-agent every 5), until the next
renewal; here each runs once, on the host itself.

${comparison(rows('tools'))}
## Other clients

The same where another program takes the lease, by hand and by Holdfast. systemd-networkd is watched where systemd-resolved has its servers from, and
has no \`options\`. dhcpcd runs on a host without systemd: its restart is one of dhcpcd, after the address is lost.
\`networkctl reload\` and \`dhcpcd -n\` return before they act: 3 s after the former are part of *meanwhile*; nothing after the latter is,
and what it loses is in [clients.md](clients.md).

${comparison(rows('clients'))}
## To servers that do not work

The same change, to servers that are wrong in one way each. The old ones work. Look-ups are watched while the tool runs, and for 5 s when it
has ended; there is no renewal in between. When this was measured, a server that answers only by TCP passed the direct question, and the
look-up afterwards had Holdfast put the old ones back; now the direct question refuses it.

${proofs(rows('proofs'))}
## The plug is pulled in the middle

Each tool is held for 0.4 s after each file that it has renamed (by strace), and there all processes of the host are killed
at once; what was written stays. Then the host boots, and then the tool runs once more. \`test/faults/verify.test.ts\` kills Holdfast at each
system call by which something changes. cf-agent moves the old file aside first (\`.cfsaved\`), so for a moment there is none.

${plugs(rows('plugs'))}${failed.length === 0 ? '' : `\nCould not be measured: ${failed.join('; ')}.\n`}`;
}

function rows<Table extends keyof Tables>(table: Table): Tables[Table][] {
  return findings(table).flatMap(({ row }) => (row === null ? [] : [row]));
}

const different = (all: readonly Finding[], key: 'date' | 'commit' | 'kernel') =>
  [...new Set(all.map((one) => one[key]))].join(', ');

/** What each tool, and dhclient, says that it is. */
async function versions(): Promise<string[]> {
  await using subject = await bootedSubject('long');
  const said: string[] = [];
  for (const [tool, command] of Object.entries({ ...VERSIONS, dhclient: 'dhclient --version 2>&1' })) {
    if (command === null) continue;
    const version = (await subject.system.sh(command)).trim();
    said.push(version.toLowerCase().includes(tool.toLowerCase()) ? version : `${tool} ${version}`);
  }
  return said;
}

if (import.meta.main) await writePage();
