/** docs/comparison.md: the method and the tables. As a program it writes the page from the saved measurements. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../parts/repository.ts';
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
  return `# The same change by other tools

This page is for the person who chooses a tool. It shows one change of DNS, made by hand and by several tools. Written by
\`npm run compare\`; measured ${different(all, 'date')} at ${different(all, 'commit')} with Linux ${different(all, 'kernel')} on a
machine with ${availableParallelism()} cores and a load average of ${loads.at(0)?.toFixed(0)} to ${loads.at(-1)?.toFixed(0)}. The load decides how long a
tool takes, and how many look-ups and pings there are. ${tools.join('; ')}.

Each row is a Debian 12 of its own that boots with systemd, ifupdown and dhclient. Its dhclient.conf names two old DNS servers. The old
and the new servers all answer. The change puts two new servers, a search list and \`options\` into resolv.conf and dhclient.conf.
No renewal happens during the change: a dhclient that the tool leaves alone is stopped by SIGSTOP. After the change there is one renewal every second,
${rows('tools')[0]?.renewals.count} of them. After the renewals the old servers are shut down, and at the end the host is rebooted. During all this

- a poller reads resolv.conf without a pause while the renewals come: a file is *wrong* if its \`nameserver\` lines are not the new ones,
  and *empty* if it has no content or does not exist;
- a process every ${EVERY_MS} ms looks up a name through the C library (\`getent\`). A look-up fails if it has not found the right address after
  ${PATIENCE_MS / 1000} s;
- an address behind the default route is pinged every 10 ms.

Each tool copies the same files into place by its own means (CFEngine's \`copy_from\`, Puppet's \`file\`, Ansible's \`copy\`), in four variants:

- only the files;
- the files, and the usual handler: it restarts networking if dhclient.conf changed;
- the files, and an exit hook that copies resolv.conf back after each event;
- the files, and an enter hook that makes dhclient leave resolv.conf alone (\`make_resolv_conf() { :; }\`).

An operator writes such a hook if she knows that dhclient reads its configuration only once.

A tool that runs regularly puts resolv.conf right again at its next run, until the next renewal. By default Puppet runs every 30 minutes and
cf-agent every 5 minutes. Here each tool runs once, on the host itself.

${comparison(rows('tools'))}
## Other clients

The same change where another program takes the lease, by hand and by Holdfast.

- systemd-networkd has no \`options\`. The poller reads the file from which systemd-resolved takes its servers.
- dhcpcd runs on a host without systemd. Its "restart" is a restart of dhcpcd after the address was lost.
- \`networkctl reload\` and \`dhcpcd -n\` return before they act. The column *meanwhile* includes the 3 s after \`networkctl reload\`, and
  nothing after \`dhcpcd -n\`. [clients.md](clients.md) says what \`dhcpcd -n\` loses.

${comparison(rows('clients'))}
## To servers that do not work

The same change to new servers that are wrong, each in one way. The old servers work. Look-ups are counted while the tool runs and for 5 s
afterwards, without a renewal. At the time of this measurement, a server that answers only by TCP passed the direct question, and the look-up
afterwards made Holdfast put the old servers back. Today the direct question refuses such a server.

${proofs(rows('proofs'))}
## The plug is pulled in the middle

strace stops each tool for 0.4 s after each file that it renames. During one such stop all processes of the host are killed at once; the
written files stay. Then the host boots, and the tool runs once more. \`test/faults/verify.test.ts\` kills Holdfast at each
system call that changes something. cf-agent first moves the old file aside (\`.cfsaved\`), so for a moment the file does not exist.

${plugs(rows('plugs'))}${failed.length === 0 ? '' : `\nCould not be measured: ${failed.join('; ')}.\n`}`;
}

function rows<Table extends keyof Tables>(table: Table): Tables[Table][] {
  return findings(table).flatMap(({ row }) => (row === null ? [] : [row]));
}

const different = (all: readonly Finding[], key: 'date' | 'commit' | 'kernel') =>
  [...new Set(all.map((one) => one[key]))].join(', ');

/** The versions of the tools and of dhclient, as each prints its own. */
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
