/**
 * What RHEL's and Fedora's dhclient-script does beside its hooks, by a stand-in that takes their steps (test/parts/lab/rhel) under the
 * real dhclient: what leaves the hooks the last word is held and ✓, and what does not is named with its line.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, Dhclient, type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';

const skip = unavailable();
const SCRIPT = '/sbin/dhclient-script';
const SAVED = '/var/lib/dhclient/resolv.conf.predhclient.eth0';
const THEIRS = '192.0.2.66';
const WRITE = `echo nameserver ${THEIRS} >/etc/resolv.conf`;

interface Case {
  readonly files: Readonly<Record<string, string>>;
  /** The code of doctor and the place that it names, if the script or its parts have the last word. */
  readonly found?: readonly [code: string, at: string];
}

const CASES: Record<string, Case> = {
  'PEERDNS=no in ifcfg': { files: { '/etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nPEERDNS=no\n' } },
  'a saved resolv.conf (RHEL 6)': { files: { '/var/lib/dhclient/x': '' } },
  'an up-hook for addresses': { files: { '/etc/dhcp/dhclient-eth0-up-hooks': '#!/bin/bash\nip rule show\n' } },
  "chrony's function in dhclient.d": {
    files: {
      '/etc/dhcp/dhclient.d/chrony.sh': '#!/bin/bash\nchrony_config() {\n  echo "$new_ntp_servers" >/run/ntp\n}\n',
    },
  },
  'an up-hook that writes resolv.conf': {
    files: { '/etc/dhcp/dhclient-up-hooks': `#!/bin/bash\nmake_resolv_conf() {\n${WRITE}\n}\n` },
    found: ['HF-SCRIPT-UNKNOWN', '/etc/dhcp/dhclient-up-hooks:2: make_resolv_conf()'],
  },
  "an interface's up-hook that leaves a writer behind it": {
    files: {
      '/etc/dhcp/dhclient-eth0-up-hooks': '#!/bin/bash\n. /etc/site.sh\n',
      '/etc/site.sh': `make_resolv_conf() { ${WRITE}; }\n`,
    },
    found: ['HF-SCRIPT-UNKNOWN', '/etc/site.sh:1: make_resolv_conf()'],
  },
  'a function in dhclient.d that writes resolv.conf': {
    files: { '/etc/dhcp/dhclient.d/dns.sh': `#!/bin/bash\ndns_config() {\n  ${WRITE}\n}\n` },
    found: ['HF-HOOK-WRITES', '/etc/dhcp/dhclient.d/dns.sh:3: '],
  },
};

interface Scene {
  readonly host: LabHost;
  readonly client: Dhclient;
  /** With a server that from now on says something else, so that the script makes resolv.conf at a renewal also. */
  readonly moved: () => Promise<DhcpServer>;
}

const LATER = ['10.77.0.31', '10.77.0.32'];
const offer = (servers: readonly string[]) => ({
  renewEvery: 1,
  offers: `option domain-name-servers ${servers.join(', ')};`,
});

/** A host with that script and these files, all with the run bit, and a dhclient with its first lease. */
async function hostWith(files: Readonly<Record<string, string>>): Promise<Scene> {
  const host = await LabHost.create();
  const script = await readFile(join(import.meta.dirname, '../parts/lab/rhel/dhclient-script'));
  await host.write(SCRIPT, script, 0o755);
  await host.sh('rm -rf /etc/dhcp/dhclient-*-hooks* /etc/dhcp/dhclient.d /var/lib/dhclient');
  await host.write('/etc/dhcp/dhclient.conf', 'request subnet-mask, routers, domain-name-servers;\n');
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  for (const [file, text] of Object.entries(files)) await host.write(file, text, 0o755);
  await connect(host);
  const server = await startDhcpServer(host, offer(OLD));
  const client = Dhclient.start(host);
  await client.leased();
  const moved = async () => {
    await server.stop();
    return startDhcpServer(host, offer(LATER));
  };
  return { host, client, moved };
}

/** The lease moment of dns.nameservers. */
async function leaseState(host: LabHost): Promise<string> {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  return settings.find((one: { setting: string }) => one.setting === 'dns.nameservers').moments.lease.state;
}

test("RHEL's dhclient-script: control: a renewal that brings something new makes resolv.conf", { skip }, async () => {
  const { host, client, moved } = await hostWith({});
  await using _ = { [Symbol.asyncDispose]: () => host.close() };
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [...OLD]);
  await moved();
  await client.leased(3);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), LATER);
});

test("RHEL's dhclient-script: what it does beside its hooks", { skip, concurrency: 3 }, async (t) => {
  await Promise.all(
    Object.entries(CASES).map(([name, { files, found }]) =>
      t.test(name, async () => {
        const { host, client, moved } = await hostWith(files);
        await using _ = { [Symbol.asyncDispose]: () => host.close() };
        // A renewal may come between an apply and a look at what it left, if the writer wins.
        const { code: status } = await host.agent('apply');
        assert.equal(status, 0);
        const { stdout } = await host.agent('doctor');
        if (found === undefined) {
          await holds(host);
          const watch = await watchFile(host, '/etc/resolv.conf');
          await moved();
          await client.leased(3);
          assert.match(await host.read('/run/holdfast/lease.eth0'), new RegExp(LATER[0]!), 'the server was heard');
          const { changes, wrongMs } = await watch.stop();
          assert.deepEqual({ changes, wrongMs }, { changes: 0, wrongMs: 0 });
          assert.equal(await leaseState(host), 'ok');
          assert.doesNotMatch(stdout, /HF-(?:SCRIPT|HOOK|DHCLIENT-SCRIPT)/);
        } else {
          await client.leased(2);
          assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [THEIRS], 'the control: it wins');
          assert.equal(await leaseState(host), 'unknown');
          const [code, at] = found;
          assert.ok(stdout.includes(code) && stdout.includes(at), stdout);
        }
        assert.equal(client.declined, 0);
      }),
    ),
  );
});

test('RHEL 6: the end of a lease puts the saved resolv.conf back, and our exit hook the configured one', {
  skip,
}, async () => {
  const { host } = await hostWith({ '/var/lib/dhclient/x': '' });
  await using _ = { [Symbol.asyncDispose]: () => host.close() };
  const end = `pkill -KILL -x dhclient; printf 'nameserver ${THEIRS}\\n' >${SAVED}
    reason=EXPIRE interface=eth0 old_ip_address=10.77.0.100 ${SCRIPT}`;
  await host.sh(end);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [THEIRS], 'control');
  await apply(host);
  await host.sh(`${end.replace('pkill -KILL -x dhclient; ', '')}`);
  assert.equal(await host.run(['test', '-e', SAVED]).then(({ code }) => code), 1, 'the script has put it back');
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [...NEW]);
  await holds(host);
  assert.ok(!(await host.read('/etc/resolv.conf')).includes(OLD[0]));
});
