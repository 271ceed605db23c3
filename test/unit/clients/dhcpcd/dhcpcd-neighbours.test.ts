/** Other hooks of dhcpcd: the lease is held only if all of them are known to leave resolv.conf alone. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Dhcpcd } from '../../../../agent/clients/dhcpcd/kept.ts';
import { Host } from '../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desired, dns } from '../../../parts/desired.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const FOLDER = 'usr/lib/dhcpcd/dhcpcd-hooks';
const ENTER = 'etc/dhcpcd.enter-hook';
const skip = missing('flock');

/** How the lease stands on a host with our hook and these files. `below` is put under our lines in the enter hook. */
async function lease(t: TestContext, files: Record<string, string>, below = '') {
  const host = new Host({ root: scratch(t, { 'usr/sbin/dhcpcd': '', 'etc/dhcpcd.conf': 'duid\n', ...files }) });
  const wanted = desired({ dns: dns({ nameservers: ['10.0.0.1'], search: ['a.example'] }) });
  const resource = () => new Dhcpcd(host, wanted, clientSurroundings(host));
  for (const finding of await resource().inspect()) await resource().apply(finding);
  const enter = host.locate(`/${ENTER}`);
  writeFileSync(enter, readFileSync(enter, 'utf8') + below);
  const settings = (await Promise.all((await resource().inspect()).map((finding) => finding.settings()))).flat();
  const { state, reason = '' } = settings.find((one) => one.setting === 'dns.nameservers' && one.moment === 'lease')!;
  return { state, reason };
}

test('dhcpcd: its own hooks, and a neighbour that is known to be harmless, leave the lease held', {
  skip,
}, async (t) => {
  const files = {
    [ENTER]: '#!/bin/sh\nlogger "$reason"\n',
    [`${FOLDER}/20-resolv.conf`]: 'change_file /etc/resolv.conf "$cf"\n',
    [`${FOLDER}/64-timesyncd.conf`]: 'echo >"$SERVERFILE"\n',
    [`${FOLDER}/90-site`]: 'if $if_up; then\n  syslog info "$new_ip_address"\nfi\n',
    [`${FOLDER}/90-old~`]: 'rm /etc/resolv.conf\n',
    'etc/dhcpcd.exit-hook': '# rm /etc/resolv.conf\necho "$interface" >/run/last\n',
  };
  assert.deepEqual(await lease(t, files), { state: 'ok', reason: '' });
});

test('dhcpcd: a hook that writes or may write resolv.conf makes the lease unknown, and its line is named', {
  skip,
}, async (t) => {
  const cases: [files: Record<string, string>, seen: RegExp, below?: string][] = [
    [{ [`${FOLDER}/90-site`]: '#\necho nameserver 9.9.9.9 >/etc/resolv.conf\n' }, /dhcpcd-hooks\/90-site:2: echo/],
    [{ [`${FOLDER}/10-site`]: '/opt/update-dns\n' }, /10-site:1: it runs \/opt\/update-dns/],
    [{ [`${FOLDER}/05-site`]: 'change_file() {\n  :\n}\n' }, /05-site:1: change_file/],
    [{ 'etc/dhcpcd.exit-hook': 'rm -f /etc/resolv.conf\n' }, /exit-hook:1: rm/],
    [{ 'etc/dhcpcd.exit-hook': 'perl /opt/dns.pl\n' }, /exit-hook:1: it runs perl/],
    [{ [ENTER]: '(sleep 9; cp /run/mine /etc/resolv.conf) &\n' }, /enter-hook:1: it runs cp on \/etc\/resolv\.conf/],
    [{ [ENTER]: "trap 'cp /run/mine /etc/resolv.conf' EXIT\n" }, /enter-hook:1: /],
    [{ [ENTER]: '[ "$reason" = TEST ] && exit 0\n' }, /may end dhcpcd-run-hooks .*enter-hook:1: exit 0/],
    [{ [ENTER]: 'set -n\n' }, /enter-hook:1: set -n/],
    [{}, /enter-hook:\d+: it sources \/opt\/site/, '. /opt/site\n'],
  ];
  for (const [files, seen, below] of cases) {
    const { state, reason } = await lease(t, files, below);
    assert.equal(state, 'unknown', String(seen));
    assert.match(reason, seen);
  }
});
