/**
 * `npm run rehearsals`: each event of each client, rehearsed and then made to happen, into docs/rehearse-table.md. Takes some
 * minutes; needs root. With names of clients (`-- udhcpc`), or of one event
 * (`-- 'udhcpc NAK'`), only theirs: the other rows stay as the page has them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../compare/table.ts';
import { noDhcpcd } from '../parts/lab/dhcpcd.ts';
import type { Foretold } from '../parts/lab/foretell.ts';
import { REHEARSAL_CASES, type RehearsalCase } from '../parts/lab/rehearsal-cases.ts';
import { nameservers } from '../parts/lab/scene.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { fillRows, writtenBy } from '../parts/written-page.ts';
import { BOOTED_REHEARSALS } from '../systems/networkd-rehearsals.ts';

/** How many hosts at a time: most of the time each waits for a lease. */
const AT_ONCE = 4;

if (noDhcpcd) {
  console.log(`No rehearsal: ${noDhcpcd}.`);
  process.exit(1);
}
const CASES = [...REHEARSAL_CASES, ...BOOTED_REHEARSALS];
const page = join(REPOSITORY, 'docs/rehearse-table.md');
const clients = process.argv.slice(2);
const rows = clients.length === 0 ? [] : rowsOf(readFileSync(page, 'utf8'));
const asked = [...CASES.entries()].filter(
  ([, { client, event }]) => clients.length === 0 || clients.includes(client) || clients.includes(`${client} ${event}`),
);
await fillRows(rows, asked, AT_ONCE, row);
writeFileSync(page, text());
console.log('docs/rehearse-table.md is written');

/** The rows of the page, each at the place of its case. */
function rowsOf(text: string): string[][] {
  const known = text.split('\n').map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
  return CASES.map(
    ({ client, event, way }) =>
      known.find((cells) => cells[0] === client && cells[1] === event && cells[2] === way) ?? [],
  );
}

async function row(one: RehearsalCase): Promise<string[]> {
  const { client, event, way } = one;
  const cells = await one.run().then(foretold, (error: Error) => ['**no**', error.message.split('\n')[0]!, '', '']);
  return [client, event, way, ...cells];
}

function foretold({ resolvConf, addresses, routes, code }: Foretold): string[] {
  return [
    'yes',
    nameservers(resolvConf.after ?? '').join(', ') || 'none',
    `${addresses.after.length} and ${routes.after.length}`,
    code === 0 ? 'as wanted' : 'not as wanted',
  ];
}

function text(): string {
  const head = [
    ...['client', 'event', 'the new servers came', 'rehearsed = happened'],
    ...['name servers then', 'addresses and routes then', 'the rehearsal’s verdict'],
  ];
  return `# Rehearsed, and then happened

This page is for the operator who wants to know how far a rehearsal can be trusted ([rehearse.md](rehearse.md)). Written by
${writtenBy('rehearsals')}. \`test/lab/rehearse-*.test.ts\` do the same with
each client but dhclient and the booted Debians, and fail if a row differs.

Each row is one throw-away host with the real client and a real DHCP server. Where the client says so, the host is a booted Debian 11 or 13.
\`agent rehearse\` first says what the event will do. The event then comes, and *rehearsed = happened* says whether every byte of resolv.conf, the addresses and the routes are as foretold. With systemd-networkd, the file in which
systemd-resolved lists its servers counts in place of resolv.conf.

The wanted servers are 10.77.0.21 and 10.77.0.22. The client read 10.77.0.11 and 10.77.0.12 at its start, or the server offers them. *Not as wanted*
counts all of resolv.conf: \`search\`, \`options\`, \`sortlist\` and the form that Holdfast writes. The address that a client gives up at NAK, EXPIRE or
dhcpcd's TIMEOUT is no fault. The rows of \`dhclient -6\` and \`IPv6 only\` have the addresses and routes of IPv6. Those of a client with
\`both families\` have all of both. Beside \`IPv6 only\` and \`both families\`, a router advertises itself (bird) and sends its hosts to DHCPv6. On a wire
with \`IPv6 only\` no server of DHCPv4 answers. No row has a delegated prefix: the stage delegates none, and a rehearsal says so. There is no row for TIMEOUT with a systemd-networkd of
systemd 253 or newer: the command says that it cannot rehearse it.

With NetworkManager, an interface without a lease of DHCPv4 has no row: the command says that it cannot rehearse it.

| event | how it is made to happen |
| --- | --- |
| RENEW | dhcpd renews the lease |
| REBIND | the server is gone, and dnsmasq at another address answers the broadcast |
| NAK | dnsmasq refuses the lease and has no address left. To dhclient-script that is EXPIRE |
| EXPIRE | the server is gone until the lease ends |
| RELOAD | \`dhcpcd -n\`, \`networkctl reload\`, \`nmcli general reload\` and \`nmcli connection reload\`. Nothing has a running dhclient read its configuration again |
| REAPPLY | \`nmcli connection reload\` and \`nmcli device reapply\` |
| REBOOT | the client is killed and started again; systemd-networkd by SIGUSR2, as systemd restarts it, or by systemd on a booted Debian |
| TIMEOUT | as REBOOT, and no server answers. The router answers dhclient-script's ping |
| RENEW6, REBIND6, EXPIRE6 | dhcpd renews the lease, is gone and comes back when the client asks every server, or is gone until the lease ends |
| REBOOT6, TIMEOUT6 | as REBOOT and TIMEOUT. With \`IPv6 only\` the router is also silent at TIMEOUT6 |
| boot | the client starts on a bare interface, with nothing of it in /run |

${table(
  head,
  rows.filter(({ length }) => length > 0),
)}`;
}
