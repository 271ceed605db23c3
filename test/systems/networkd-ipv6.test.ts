/** DHCPv6 and router advertisements beside an IPv4 lease: systemd-networkd is held in both families, at once and from its start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log } from '../parts/lab/log.ts';
import { watchPings } from '../parts/lab/watch.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { Machine, unavailable } from './machine.ts';

const skip = unavailable();
const OURS = ['10.34.56.78', '2001:db8::53'];
const TIME = '2001:db8::31';
/** Milliseconds: the lease of DHCPv6 is good for two minutes, and its renewal comes after one. */
const PATIENCE = 150_000;
const CONFIG = `dns: { nameservers: [${OURS.map((one) => `"${one}"`).join(', ')}], search: [dev.example.com] }
dhcp:
  supersede: { ntp-servers: [10.34.56.80] }
  request: { without: [dhcp6.sntp-servers] }
`;

/** DHCPv6 and advertisements by dnsmasq; both name a server of their own. */
async function serveIpv6(machine: Machine): Promise<Log> {
  // Without forwarding, neighbour advertisements say "no router", and systemd 257 forgets the router (RFC 4861, 7.2.5).
  await machine.outside.sh(
    `sysctl -qw net.ipv6.conf.srv0.disable_ipv6=0 net.ipv6.conf.all.forwarding=1
    ip addr add 2001:db8::1/64 dev srv0 nodad`,
    { where: 'server' },
  );
  const options = [
    '--dhcp-range=2001:db8::100,2001:db8::1ff,64,2m',
    '--dhcp-option=option6:dns-server,[2001:db8::11]',
    '--dhcp-option=option6:domain-search,six.example',
    `--dhcp-option=option6:ntp-server,[${TIME}]`,
  ];
  const child = machine.outside.spawn(
    [
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--port=0',
      '--bind-interfaces',
      '--interface=srv0',
    ].concat(
      ['--user=root', '--log-facility=-', '--log-dhcp', '--enable-ra', '--ra-param=srv0,4,60', ...options],
      ['--dhcp-leasefile=/run/lab/dnsmasq6.leases'],
    ),
    { where: 'server' },
  );
  const log = new Log(child.stderr!, PATIENCE);
  await log.until(/router advertisement on/);
  return log;
}

async function boot(release: 'bookworm' | 'trixie'): Promise<{ machine: Machine; log: Log }> {
  let log!: Log;
  const machine = await Machine.boot({
    release,
    packages: ['systemd-resolved'],
    files: {
      ...networkdFiles('[Network]\nDHCP=yes\n\n[DHCPv6]\nUseDomains=yes\n\n[IPv6AcceptRA]\nUseDomains=yes\n'),
      '/etc/holdfast/agent.yaml': CONFIG,
    },
    setup: NETWORKD_SETUP,
    dhcp: { lease: 60, offers: 'option domain-name-servers 10.77.0.11; option ntp-servers 10.77.0.13;' },
    async ready(booted) {
      await booted.installAgent();
      log = await serveIpv6(booted);
      await hasIpv6(booted);
    },
  });
  return { machine, log };
}

/** Waits for the address of DHCPv6, and for the default route of an advertisement. */
async function hasIpv6(machine: Machine): Promise<string> {
  await machine.sh(`timeout 60 sh -c 'until ip -6 route show default | grep -q . &&
    ip -6 -o addr show eth0 scope global | grep -v tentative | grep -q 2001:db8::1; do sleep 0.1; done'`);
  return /2001:db8::1[0-9a-f]+/.exec(await machine.sh('ip -6 -o addr show eth0 scope global'))![0];
}

const values = async (machine: Machine, key: string) =>
  (await machine.sh(`sed -n 's/^${key}=//p' /run/systemd/netif/links/*`)).trim().split(/\s+/);

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${release}: both families: control: every server that the two leases and the advertisement name`, {
    skip,
  }, async () => {
    await using machine = (await boot(release)).machine;
    const servers = await values(machine, 'DNS');
    for (const one of ['10.77.0.11', '2001:db8::11']) assert.ok(servers.includes(one), one);
    assert.deepEqual(await values(machine, 'NTP'), ['10.77.0.13', TIME]);
    assert.deepEqual([...new Set(await values(machine, 'DOMAINS'))], ['six.example']);
    const { forecasts } = JSON.parse((await machine.run(['agent', 'status', '--json'])).stdout);
    const six = forecasts.find(({ family }: { family: number }) => family === 6);
    assert.match(await machine.sh('ip -6 -o addr show dev eth0'), new RegExp(six.address));
    assert.deepEqual(
      [six.without.nameservers, six.without.search, six.without.ntp],
      [['2001:db8::11'], ['six.example'], [TIME]],
    );
    const seconds = (Date.parse(six.renews) - Date.now()) / 1000;
    // Of a lease of two minutes.
    assert.ok(release === 'bookworm' ? six.renews === null : seconds > 0 && seconds <= 61, six.renews);
    const rehearse = ['agent', 'rehearse', 'lease', 'eth0', '--reason', 'RENEW', 'RENEW6', '--json'];
    const [{ rehearsals }] = JSON.parse((await machine.run(rehearse)).stdout).interfaces;
    for (const { addresses, routes, notes } of rehearsals) {
      assert.ok(
        addresses.after.some((line: string) => line.startsWith(`${six.address}/`)),
        addresses.after.join('\n'),
      );
      assert.ok(
        routes.after.some((line: string) => line.startsWith('default via fe80::')),
        routes.after.join('\n'),
      );
      assert.doesNotMatch(notes.join('\n'), /advertisements|DHCPv6/);
    }
    assert.equal(rehearsals.length, 2);
  });

  test(`${release}: both families: held at once, at new leases, and after a boot; no ping of IPv6 is lost`, {
    skip,
  }, async () => {
    const booted = await boot(release);
    await using machine = booted.machine;
    const address = await hasIpv6(machine);
    const pings = await watchPings(machine.outside, address, 'server');
    await machine.sh('agent apply; networkctl reload');
    const held = async () => {
      assert.deepEqual(await values(machine, 'DNS'), OURS);
      assert.deepEqual(await values(machine, 'NTP'), ['10.34.56.80']);
      assert.deepEqual(await values(machine, 'DOMAINS'), ['dev.example.com']);
    };
    await held();
    // The lease of DHCPv6 is renewed after a minute; by then many advertisements have come.
    await booted.log.until(/DHCPRENEW\(srv0\)/);
    await machine.sh('networkctl renew eth0; sleep 2');
    await held();
    assert.equal((await pings.stop()).lost, 0);
    await machine.reboot();
    await hasIpv6(machine);
    await machine.sh('sleep 1');
    await held();
    const { code, stdout } = await machine.run(['agent', 'status']);
    assert.equal(code, 0, stdout);
  });
}
