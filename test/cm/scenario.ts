/** What any tool of configuration management has to do with Holdfast, from a host without it to an apply that fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabHost } from '../parts/lab/host.ts';
import { EXAMPLE_NAMESERVERS, inOrder, OTHER, type RunOptions, type Told, type Tool } from './contract.ts';
import { bareHost, state } from './tools.ts';

export function holdsTheContract(name: string, tool: Tool): void {
  test(name, { skip: tool.skip }, async (t) => {
    await using host = await bareHost();
    await host.sh('sysctl -qw net.ipv4.ip_forward=0; mkdir -p /var/cache/holdfast /etc/holdfast');
    await tool.prepare(host);
    const step = inOrder(t);
    const run = async (wanted: Partial<Told>, options?: RunOptions) => {
      const told = await tool.run(host, options);
      const { changed, failed } = told;
      assert.deepEqual({ changed, failed, ...wanted }, { changed, failed }, told.text);
      return told.text;
    };
    /** With which nothing changes. */
    const harmless = async (wanted: Partial<Told>, options?: RunOptions) => {
      const before = await state(host);
      const text = await run(wanted, options);
      assert.equal(await state(host), before);
      return text;
    };

    await step('check mode before it is installed changes nothing', async () => {
      assert.match(await harmless({ changed: true, failed: false }, { check: true }), tool.bareCheck);
    });

    await step('the first run installs, configures and applies: changed', async () => {
      await run({ changed: true, failed: false });
      assert.match(await host.sh("dpkg-query -W -f '${Status}' holdfast"), /ok installed/);
      assert.deepEqual(await held(host), WANTED);
    });

    await step('the second run: unchanged, no file touched', async () => {
      await harmless({ changed: false, failed: false });
      await harmless({ changed: false, failed: false }, { check: true });
    });

    await step('what drifted is told by check mode, and put back by a run', async () => {
      await host.write('/etc/resolv.conf', 'nameserver 192.0.2.7\n');
      await harmless({ changed: true, failed: false }, { check: true });
      const text = await run({ changed: true, failed: false });
      assert.match(text, /\/etc\/resolv\.conf/, 'it says what it changed');
      assert.deepEqual(await held(host), WANTED);
    });

    await step('another configuration in check mode', async () => {
      const text = await harmless({ changed: true, failed: false }, { config: OTHER, check: true });
      if (tool.foretells) assert.match(text, /\+nameserver 10\.9\.9\.9/);
    });

    await step('a bad configuration fails before it is in place', async () => {
      const text = await harmless({ failed: true }, { config: 'dns:\n  nameserver: [10.9.9.9]\n' });
      assert.match(text, /2:3.*nameserver/s);
      if (tool.validates) await harmless({ failed: true }, { config: 'dns:\n  nameserver: 1\n', check: true });
    });

    await step('a configuration that says nothing fails: a template without its data', async () => {
      for (const config of ['', '---\n# dns:\n#   nameservers: [10.9.9.9]\n{}\n'])
        assert.match(await harmless({ changed: false, failed: true }, { config }), /config is empty/);
    });

    await step('absent: all is as it was before, and nothing is left; a second time nothing changes', async () => {
      await run({ changed: true, failed: false }, { absent: true });
      assert.equal(await host.read('/etc/resolv.conf'), 'nameserver 192.0.2.1\n');
      assert.equal(
        await host.sh('ls -d /usr/bin/agent /etc/holdfast /var/lib/holdfast /etc/dhcp/*/zz-* 2>/dev/null || :'),
        '',
      );
      await harmless({ changed: false, failed: false }, { absent: true });
      await run({ changed: true, failed: false });
      assert.deepEqual(await held(host), WANTED);
    });

    await step('so does one that is bad by a drop-in of the host', async () => {
      await host.write('/etc/holdfast/agent.d/site.yaml', 'dns: { nameservers: [10.9.9.300] }\n');
      assert.match(await harmless({ failed: true }, { config: OTHER }), /site\.yaml.*10\.9\.9\.300/s);
      await host.sh('rm -r /etc/holdfast/agent.d');
    });

    await step('an apply that fails is a failure, whether or not it changed something beside', async () => {
      await host.sh(`echo nameserver 192.0.2.7 >/run/lab/resolv.conf; ln -sf /run/lab/resolv.conf /etc/resolv.conf
        sysctl -qw net.ipv4.ip_forward=0`);
      await harmless({ failed: false, changed: true }, { check: true });
      assert.match(await run({ failed: true }), /symbolic link|symlink/);
      assert.equal((await held(host)).forwarding, '1', 'what did not fail was done');
      assert.match(await harmless({ failed: true }), /symbolic link|symlink/);
    });
  });
}

const WANTED = { nameservers: EXAMPLE_NAMESERVERS, forwarding: '1' };

async function held(host: LabHost) {
  const text = await host.sh('cat /etc/resolv.conf'); // it may be a link, whose target is the host's
  const nameservers = [...text.matchAll(/^nameserver (\S+)$/gm)].map(([, address]) => address);
  return { nameservers, forwarding: (await host.sh('sysctl -n net.ipv4.ip_forward')).trim() };
}
