/** Each rehearsal foretells what the real event makes of the host: real dhclient, real dhcpd, and both outcomes compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dhclient, startDhcpServer, subnet } from '../parts/lab/dhcp.ts';
import { cameTrue, type Foretold, foretell, foretellTimeout } from '../parts/lab/foretell.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import {
  AGENT_YAML,
  apply,
  NEW,
  nameservers,
  OLD,
  OLD_DHCLIENT_CONF,
  type Scene,
  staleHost,
} from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };
const NEW_RESOLV_CONF = `search dev.example.com example.com\n${NEW.map((a) => `nameserver ${a}\n`).join('')}options rotate\n`;

/** How the new servers came to the host: by Holdfast, or by hand as before the outage. */
const WAYS = {
  'held by Holdfast': apply,
  'edited by hand': async (host: LabHost) => {
    await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(OLD.join(', '), NEW.join(', ')));
    await host.write('/etc/resolv.conf', NEW_RESOLV_CONF);
  },
} as const;

test('rehearse: it foretells the events of a short lease', options, async (t) => {
  const ways = Object.entries(WAYS).map(([way, prepare]) => {
    const isHeld = prepare === apply;
    return t.test(`${way}: RENEW, REBIND by another server, EXPIRE with none`, async () => {
      await using scene = await staleHost({ lease: 12, renewEvery: 3 });
      const { host, client } = scene;
      await prepare(host);

      const renew = await foretell(host, 'RENEW');
      await client.leased();
      await cameTrue(host, renew);
      assert.equal(renew.code, isHeld ? 0 : 2);
      assert.deepEqual(nameservers(renew.resolvConf.after ?? ''), isHeld ? NEW : OLD);

      if (!isHeld) await host.write('/etc/resolv.conf', NEW_RESOLV_CONF);
      await moveServer(scene);
      const rebind = await foretell(host, 'REBIND');
      await client.leased();
      await cameTrue(host, rebind);
      assert.equal(rebind.code, isHeld ? 0 : 2);

      if (!isHeld) await host.write('/etc/resolv.conf', NEW_RESOLV_CONF);
      const expire = await foretell(host, 'EXPIRE');
      const said = client.log.lines.length;
      await host.sh('kill $(cat /run/lab/moved.pid)');
      await client.log.until(/^DHCPDISCOVER/, said);
      await cameTrue(host, expire);
      assert.deepEqual([expire.addresses.after, expire.routes.after], [[], []], 'the address goes');
      assert.equal(expire.resolvConf.after, expire.resolvConf.before, 'resolv.conf stays');
    });
  });
  await Promise.all(ways);
});

test('rehearse: it foretells the events of a long lease', options, async (t) => {
  const ways = Object.entries(WAYS).map(([way, prepare]) => {
    const isHeld = prepare === apply;
    return t.test(`${way}: REBOOT, TIMEOUT with a router that answers and with one that does not`, async () => {
      await using scene = await staleHost({ offers: 'option ntp-servers 10.77.0.98, 10.77.0.97;' });
      const { host, client, server } = scene;
      await prepare(host);
      await host.sh('sed -i "1i timeout 3; reboot 1;" /etc/dhcp/dhclient.conf');

      const reboot = await foretell(host, 'REBOOT');
      await client.kill();
      const second = Dhclient.start(host);
      await second.leased();
      await cameTrue(host, reboot);
      // By hand the servers hold, the options are lost: dhclient knows nothing of them.
      assert.equal(reboot.code, isHeld ? 0 : 2);
      assert.deepEqual(nameservers(reboot.resolvConf.after ?? ''), NEW);

      const [timeout, silent] = await foretellTimeout(host);
      await second.kill();
      await server.stop();
      const third = Dhclient.start(host);
      await third.leased();
      await cameTrue(host, timeout);
      assert.deepEqual(timeout.routerAnswers, true);

      await third.kill();
      await host.sh('sysctl -qw net.ipv4.icmp_echo_ignore_all=1', { where: 'server' });
      const fourth = Dhclient.start(host);
      await fourth.log.until(/^No working leases/);
      await cameTrue(host, silent);
      assert.deepEqual([silent.addresses.after, silent.routes.after], [[], []], 'the address goes');
    });
  });
  await Promise.all(ways);
});

test('rehearse: it foretells routes of the server, a metric, and routes that another hook adds', options, async () => {
  await using scene = await staleHost({
    offers: `option routers 10.77.0.1, 10.77.0.2; option interface-mtu 1400; option domain-name "isp.example; reboot";
             option host-name "named-by-dhcp";`,
  });
  const { host, client } = scene;
  await apply(host);
  await host.sh(
    'ip route add 10.99.0.0/16 via 10.77.0.9; ip route add unreachable 10.98.0.0/16; ip addr add 10.76.0.5/24 dev eth0',
  );
  await host.write(
    '/etc/dhcp/dhclient-exit-hooks.d/own',
    'ip route replace 10.97.0.0/16 via "$new_routers" 2>/dev/null || ip route replace 10.97.0.0/16 via 10.77.0.1\n',
  );
  for (const reason of ['RENEW', 'REBOOT'] as const) {
    const foretold = await foretell(host, reason);
    assert.ok(foretold.routes.after.includes('10.97.0.0/16 via 10.77.0.1 dev eth0'));
    assert.ok(foretold.routes.after.includes('unreachable 10.98.0.0/16'), foretold.routes.after.join('\n'));
    assert.deepEqual(
      foretold.notes.filter((note) => note.includes('could not be made')),
      [],
    );
    if (reason === 'REBOOT') {
      await client.kill();
      await Dhclient.start(host).leased();
      await cameTrue(host, foretold);
    }
  }
});

test(
  'rehearse: our static route stays through every event, and a route that a hook removes is reported',
  options,
  async () => {
    await using scene = await staleHost();
    const { host } = scene;
    await host.write(
      '/etc/holdfast/agent.yaml',
      `${AGENT_YAML}routes:
  - { to: 10.96.0.0/16, via: 10.77.0.9 }
  - { to: 10.95.0.0/16, via: 10.77.0.9, metric: 20 }
  - { to: 10.94.0.0/16, type: blackhole }
`,
    );
    await apply(host);
    const ours = (lines: readonly string[] = []) => lines.filter((line) => line.includes('proto 72')).toSorted();
    const reboot = await foretell(host, 'REBOOT');
    const [timeout] = await foretellTimeout(host);
    for (const { routes } of [await foretell(host, 'RENEW'), reboot, timeout]) {
      assert.equal(ours(routes.before).length, 3, routes.before?.join('\n'));
      assert.deepEqual(ours(routes.after), ours(routes.before));
    }
    await host.write(
      '/etc/dhcp/dhclient-exit-hooks.d/zzz-taker',
      '[ "$reason" != REBOOT ] || ip route del 10.96.0.0/16\n',
    );
    const taken = await foretell(host, 'REBOOT');
    assert.equal(ours(taken.routes.after).length, 2);
    assert.match(taken.problems.join(), /the route 10\.96\.0\.0\/16 .*proto 72.* would be lost/);
  },
);

test('rehearse: dhclient-script finds the environment that dhclient gives it', options, async () => {
  const dhcp = {
    lease: 12,
    renewEvery: 3,
    offers: `option domain-name "isp.example b.example"; option domain-search "a.example", "b.example";
      option rfc3442-classless-static-routes 24, 10, 99, 0, 10, 77, 0, 1, 0, 10, 77, 0, 1; option ip-forwarding false;
      option ntp-servers 10.77.0.98, 10.77.0.97; option nis-domain "not a name"; option root-path "/x'y";
      option merit-dump "it's \\"\\$odd\\" \`here\` & | \\\\ there"; option vendor-class-identifier 1:2:a0; option time-offset -3600;
      option netbios-node-type 8; option static-routes 10.1.0.0 10.77.0.1, 10.2.0.0 10.77.0.1; option site-specific "one, two";
      filename "boot file"; server-name "server"; dhcp-cache-threshold 0;`.replace(/^ */gm, ''),
    define: 'option site-specific code 224 = text;',
  };
  await using scene = await staleHost(dhcp);
  const { host, client } = scene;
  const conf = OLD_DHCLIENT_CONF.replace(/^supersede domain.*\n/gm, '').replace(
    'request subnet-mask',
    'request site-specific, merit-dump, nis-domain, root-path, ip-forwarding, static-routes, netbios-node-type, subnet-mask',
  );
  await host.write('/etc/dhcp/dhclient.conf', `option site-specific code 224 = text;\ntimeout 3; reboot 1;\n${conf}`);
  await client.kill();
  await host.write(
    '/etc/dhcp/dhclient-enter-hooks.d/aa-dump',
    'echo "BEGIN $reason"; env; echo END\nmkdir -p /run/lab/env; env >"/run/lab/env/$reason"\n',
  );
  const args = [
    '-4',
    '-v',
    '-e',
    'IF_METRIC=100',
    '-pf',
    '/run/dhclient.eth0.pid',
    '-lf',
    '/var/lib/dhcp/dhclient.eth0.leases',
    'eth0',
  ];
  const again = Dhclient.start(host, { args });
  await again.leased();
  const alike = async (reason: string, foretold: Foretold) => {
    const block = new RegExp(`^BEGIN ${reason}\n(.*?)^END`, 'ms').exec(foretold.output)?.[1] ?? '';
    assert.deepEqual(variables(block), variables(await host.read(`/run/lab/env/${reason}`)), reason);
  };
  const foretold = new Map<string, Foretold>();
  for (const reason of ['RENEW', 'REBOOT', 'EXPIRE']) foretold.set(reason, await foretell(host, reason));
  assert.match(foretold.get('RENEW')!.output, /new_site_specific=one, two/);
  await again.leased();
  await alike('RENEW', foretold.get('RENEW')!);
  await again.kill();
  const third = Dhclient.start(host, { args });
  await third.leased();
  await alike('REBOOT', foretold.get('REBOOT')!);
  await alike('PREINIT', foretold.get('REBOOT')!);
  await cameTrue(host, foretold.get('REBOOT')!);
  const said = third.log.lines.length;
  await scene.server.stop();
  await third.log.until(/^DHCPDISCOVER/, said);
  await alike('EXPIRE', foretold.get('EXPIRE')!);
  await third.kill();

  // A lease that is good for longer than dhclient waits for a server.
  const server = await startDhcpServer(host, { ...dhcp, lease: 600 });
  const fourth = Dhclient.start(host, { args });
  await fourth.leased();
  const timeout = await foretell(host, 'TIMEOUT');
  await fourth.kill();
  await server.stop();
  await Dhclient.start(host, { args }).log.until(/^bound/);
  await alike('TIMEOUT', timeout);
});

test('rehearse: it foretells the next boot, with a bare interface and an empty /run', options, async (t) => {
  const ways = Object.entries(WAYS).map(([way, prepare]) =>
    t.test(way, async () => {
      await using scene = await staleHost({ offers: 'option ntp-servers 10.77.0.98;' });
      const { host, client } = scene;
      await host.write(
        '/etc/sysctl.d/10-first.conf',
        'net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.lo.rp_filter\nnet.ipv4.tcp_syncookies = 2\n',
      );
      await host.write(
        '/etc/sysctl.d/70-other.conf',
        'net.ipv4.ip_default_ttl = 70\nnet.ipv4.conf.eth9.rp_filter = 1\nnet.ipv4.tcp_syncookies=0',
      );
      await host.write('/run/sysctl.d/70-other.conf', 'net.ipv4.ip_default_ttl = 71\n');
      await host.sh(
        'echo "sysctl: { net.ipv4.ip_default_ttl: 99, net.ipv4.ip_forward: 1 }" >>/etc/holdfast/agent.yaml',
      );
      await host.agent('apply');
      if (prepare !== apply) {
        await host.sh('rm /etc/dhcp/dhclient-*-hooks.d/zz-holdfast');
        await prepare(host);
      }
      const { code, stdout } = await host.agent('rehearse', 'boot', 'eth0', '--json');
      assert.equal(code, 2, 'another file has the last word on a sysctl');
      const { interfaces, sysctls } = JSON.parse(stdout);
      const [foretold] = interfaces[0].rehearsals;
      assert.equal(foretold.reason, 'REBOOT');
      assert.equal(foretold.differs, prepare !== apply);

      await client.kill();
      await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/holdfast');
      await Dhclient.start(host).leased();
      await cameTrue(host, foretold);

      // As udev has it done when an interface comes.
      await host.sh('ip link add eth9 type veth peer name eth8');
      await host.sh('/usr/lib/systemd/systemd-sysctl --prefix=/net/ipv4 2>&1 || :');
      const value = (key: string) => sysctls.find((one: { key: string }) => one.key === key);
      for (const key of [
        'net.ipv4.ip_default_ttl',
        'net.ipv4.conf.eth9.rp_filter',
        'net.ipv4.tcp_syncookies',
        'net.ipv4.ip_forward',
      ]) {
        assert.equal((await host.sh(`sysctl -n ${key}`)).trim(), value(key).value, key);
      }
      for (const name of ['eth0', 'eth8', 'default', 'all']) {
        assert.equal(
          (await host.sh(`sysctl -n net.ipv4.conf.${name}.rp_filter`)).trim(),
          value('net.ipv4.conf.*.rp_filter').value,
          name,
        );
      }
      assert.equal(value('net.ipv4.ip_default_ttl').file, '/etc/sysctl.d/70-other.conf');
      assert.equal(value('net.ipv4.ip_default_ttl').ok, false);
      assert.equal(value('net.ipv4.ip_forward').ok, true);
    }),
  );
  await Promise.all(ways);
});

/** Sorted, without process ids, times and other values that differ in each run. */
function variables(env: string): string[] {
  return env
    .split('\n')
    .filter((line) => line !== '' && !/^(PWD|OLDPWD|SHLVL|_|pid|(new|old)_expiry)=/.test(line))
    .sort();
}

/** The server that leased is gone; another one, at another address, knows of the lease. */
async function moveServer({ host, server }: Scene): Promise<void> {
  await server.stop();
  const { server: wire } = subnet();
  await host.sh(`ip addr del 10.77.0.1/24 dev ${wire}; ip addr add 10.77.0.3/24 dev ${wire}`, { where: 'server' });
  await host.sh(
    `dhcpd -4 -q -cf /run/lab/dhcpd.${wire}.conf -lf /run/lab/dhcpd.${wire}.leases -pf /run/lab/moved.pid ${wire} </dev/null >/dev/null 2>&1`,
    { where: 'server' },
  );
}
