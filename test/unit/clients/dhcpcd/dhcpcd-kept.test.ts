/** The files that are kept for dhcpcd: what of `dns` and `dhcp` is in them on hosts that are not as usual. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Dhcpcd } from '../../../../agent/clients/dhcpcd/kept.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { Host } from '../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desired, dhclient, dns } from '../../../parts/desired.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('flock');
const DNS = dns({ nameservers: ['10.0.0.1'], search: ['a.example'] });
const DHCP = dhclient({ 'ntp-servers': ['10.0.0.3'] }, {}, { eth1: ['routers'] });

function patient(t: TestContext, files: Record<string, string>) {
  const root = scratch(t, { 'usr/sbin/dhcpcd': '', 'etc/resolv.conf.real': '', ...files });
  const host = new Host({ root });
  const look = (wanted: DesiredState) => new Dhcpcd(host, wanted, clientSurroundings(host)).inspect();
  return {
    root,
    read: (file: string) => (existsSync(`${root}/${file}`) ? readFileSync(`${root}/${file}`, 'utf8') : null),
    async apply(wanted: DesiredState) {
      const resource = new Dhcpcd(host, wanted, clientSurroundings(host));
      for (const finding of await resource.inspect())
        if (finding.state === 'drifted' && finding.refusal === undefined) await resource.apply(finding);
      return (await look(wanted)).map(({ state }) => state);
    },
    async reasons(wanted: DesiredState) {
      const all = (await Promise.all((await look(wanted)).map((finding) => finding.settings()))).flat();
      return Object.fromEntries(
        all.map(({ setting, moment, state, reason }) => [`${setting} ${moment}`, reason ?? state]),
      );
    },
  };
}

test('dhcpcd: a resolv.conf that is left to its owner keeps dns out of both files, and dhcp in', {
  skip,
}, async (t) => {
  const { root, apply, read } = patient(t, { 'etc/dhcpcd.conf': 'duid\n' });
  symlinkSync('/run/other/resolv.conf', `${root}/etc/resolv.conf`);
  const wanted = desired({ dns: DNS, dhcp: DHCP });
  assert.deepEqual(await apply(wanted), ['ok', 'ok']);
  assert.match(read('etc/dhcpcd.enter-hook')!, /holdfast_give ntp_servers '10\.0\.0\.3'/);
  assert.doesNotMatch(read('etc/dhcpcd.enter-hook')!, /domain_name_servers|resolv\.conf/);
  assert.match(
    read('etc/dhcpcd.conf')!,
    /^duid\n# BEGIN holdfast\n.*\ninterface eth1\nnooption routers\n# END holdfast\n$/,
  );
});

test('dhcpcd: without a dhcpcd.conf none is made, and what needs one says so', { skip }, async (t) => {
  const { apply, read, reasons } = patient(t, {});
  const wanted = desired({ dns: DNS, dhcp: DHCP });
  assert.deepEqual(await apply(wanted), ['ok', 'ok']);
  assert.equal(read('etc/dhcpcd.conf'), null);
  const seen = await reasons(wanted);
  assert.match(seen['dhcp.interfaces.eth1.ignore boot']!, /^there is no \/etc\/dhcpcd\.conf/);
  assert.equal(seen['dhcp.supersede.ntp-servers boot'], 'ok');
  assert.equal(seen['dns.nameservers boot'], 'ok');
});

test('dhcpcd: settings that are taken out of the configuration leave the files as they were', { skip }, async (t) => {
  const before = {
    'etc/dhcpcd.conf': 'duid\ninterface eth7\nnoarp\n',
    'etc/dhcpcd.enter-hook': '#!/bin/sh\nlogger x\n',
  };
  const { apply, read } = patient(t, before);
  await apply(desired({ dns: DNS, dhcp: DHCP }));
  await apply(desired({ dhcp: DHCP }));
  assert.doesNotMatch(read('etc/dhcpcd.conf')!, /nohook|domain/);
  assert.deepEqual(await apply(desired()), []);
  for (const [file, text] of Object.entries(before)) assert.equal(read(file), text);
});
