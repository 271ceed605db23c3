/**
 * docs/comparison.md: what was done, and the tables. As a program it writes the page anew from what was measured last.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../lab/host.ts';
import { EVERY_MS, PATIENCE_MS } from './look-ups.ts';
import type { Row } from './measure.ts';
import type { PlugRow } from './plug.ts';
import type { ProofRow } from './proof.ts';
import { comparison, plugs, proofs } from './table.ts';

export interface Versions {
  readonly date: string;
  readonly kernel: string;
  /** Of this repository. */
  readonly commit: string;
  /** Name and what it says of itself. */
  readonly tools: readonly (readonly [string, string])[];
}

export interface Findings {
  readonly rows: readonly Row[];
  readonly proofRows: readonly ProofRow[];
  readonly plugRows: readonly PlugRow[];
  /** Titles of rows that could not be measured. */
  readonly failed: readonly string[];
  readonly versions: Versions;
}

export const FINDINGS = join(REPOSITORY, 'dist/comparison.json');

export function writePage(findings: Findings): void {
  writeFileSync(join(REPOSITORY, 'docs/comparison.md'), page(findings));
}

function page({ rows, proofRows, plugRows, failed, versions: { date, kernel, commit, tools } }: Findings): string {
  const count = rows[0]?.renewals.count;
  return `# The same change by others

Written by \`npm run compare\` on ${date}, at ${commit}, Linux ${kernel}; ${tools
    .map(([tool, version]) => (version.includes(tool) ? version : `${tool} ${version}`))
    .join('; ')}.

Each row is a Debian 12 of its own that boots with systemd, ifupdown and dhclient, whose dhclient.conf names two old DNS servers;
old and new ones all answer. The change puts two new servers, a search list and \`options\` into resolv.conf and dhclient.conf.
A renewal comes 30 s after the first lease, when each tool is long done, and then every second, ${count} of them. Then the old
servers are shut down, and at last the host is rebooted. In between

- a poller reads resolv.conf without a pause: *wrong* is a file whose \`nameserver\` lines are not the new ones, *empty* one that has
  no content or is not there;
- a process every ${EVERY_MS} ms looks up a name through the C library (\`getent\`); one that has not found the right address in
  ${PATIENCE_MS / 1000} s has failed;
- an address behind the default route is pinged every 10 ms.

Each tool copies the same files into place by its own means (CFEngine's \`copy_from\`, Puppet's \`file\`, Ansible's \`copy\`), in four
variants: the files; the files, and where dhclient.conf changed the usual handler, which restarts networking; and what is written by
somebody who knows that dhclient reads its configuration only once: an exit hook that copies resolv.conf back after
each event, and an enter hook that makes dhclient leave resolv.conf alone (\`make_resolv_conf() { :; }\`).

${comparison(rows)}
## To servers that do not work

The same change, to servers that are wrong in one way each. The old ones work. Look-ups are watched while the tool runs, and for 5 s when it
has ended; there is no renewal in between.

${proofs(proofRows)}
## The plug is pulled in the middle

Each tool is held for 0.4 s after each file that it has renamed into place (by strace), and there all processes of the host are killed
at once; what was written stays. Then the host boots, and then the tool runs once more.

${plugs(plugRows)}${failed.length === 0 ? '' : `\nCould not be measured: ${failed.join('; ')}.\n`}`;
}

if (import.meta.main) writePage(JSON.parse(readFileSync(FINDINGS, 'utf8')));
