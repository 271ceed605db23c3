/** What a tool of configuration management does with the service, on a Debian that has booted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { nameservers } from '../parts/lab/scene.ts';
import { Machine, unavailable } from '../systems/machine.ts';
import { EXAMPLE_NAMESERVERS, inOrder, OTHER, type RunOptions, type Told, type Tool } from './contract.ts';
import { bringPackage, bringRepository, NEXT_VERSION } from './package.ts';
import { state } from './tools.ts';

/** All tools share one system. Ansible and Salt are copied into it, and run on this Python. */
const PACKAGES = ['python3', 'python3-apt', 'puppet-agent'];
const PATIENCE_MS = 120_000;

export function runsTheService(name: string, tool: Tool): void {
  test(`${name}, on a booted system`, { skip: tool.skip || unavailable() }, async (t) => {
    await using machine = await Machine.boot({ release: 'bookworm', packages: PACKAGES });
    await machine.sh('mkdir -p /var/cache/holdfast /etc/holdfast');
    // No server answers there, and look-ups of the tools (Salt: its own name, at every run) fail at once.
    await machine.sh('ip route add unreachable 10.34.56.78/31; ip route add unreachable 10.9.9.9');
    await bringRepository(machine);
    await tool.prepare(machine);
    const step = inOrder(t);
    const run = async (wanted: Omit<Told, 'text'>, options: RunOptions) => {
      const { changed, failed, text } = await tool.run(machine, options);
      assert.deepEqual({ changed, failed }, wanted, text);
    };
    const changed = (options: RunOptions) => run({ changed: true, failed: false }, options);
    const unchanged = async (options: RunOptions) => {
      const before = `${await service(machine)}${await state(machine)}`;
      await run({ changed: false, failed: false }, options);
      assert.equal(`${await service(machine)}${await state(machine)}`, before);
    };
    const fromRepository = { package: null };
    const changedConfiguration = { ...fromRepository, config: OTHER };

    await step(
      'the package comes from the host’s repositories, and the daemon runs, at the next boot, too',
      async () => {
        await changed(fromRepository);
        assert.match(await service(machine), RUNNING);
        assert.deepEqual(nameservers(await machine.read('/etc/resolv.conf')), EXAMPLE_NAMESERVERS);
      },
    );

    await step('the second run: unchanged', () => unchanged(fromRepository));

    await step('the daemon takes another configuration without a restart, and holds by it', async () => {
      const before = await service(machine);
      await changed(changedConfiguration);
      assert.equal(await service(machine), before);
      await machine.sh('sed s/10.9.9.9/192.0.2.7/ /etc/resolv.conf >/etc/new; mv /etc/new /etc/resolv.conf');
      await until(async () => (await machine.read('/etc/resolv.conf')).includes('nameserver 10.9.9.9\n'));
      await unchanged(changedConfiguration);
    });

    await step(
      'a daemon that somebody stopped and disabled runs again, and what drifted meanwhile is put back',
      async () => {
        await machine.sh('systemctl disable --now holdfast; echo nameserver 192.0.2.7 >/etc/resolv.conf');
        await changed(changedConfiguration);
        assert.match(await service(machine), RUNNING);
        assert.deepEqual(nameservers(await machine.read('/etc/resolv.conf')), ['10.9.9.9']);
        await unchanged(changedConfiguration);
      },
    );

    await step('a later package, as a file: upgraded, and the new daemon runs', async () => {
      await bringPackage(machine, NEXT_VERSION);
      const before = await service(machine);
      await changed({ config: OTHER });
      const after = await service(machine);
      assert.match(after, RUNNING);
      assert.notEqual(after, before, 'another process');
      assert.equal(await machine.sh("dpkg-query -W -f '${Version}' holdfast"), NEXT_VERSION);
      await unchanged({ config: OTHER });
    });
  });
}

const RUNNING = /^ActiveState=active\nUnitFileState=enabled\n/m;

/** Which process it is, whether it runs, and whether it will at the next boot. */
function service(machine: Machine): Promise<string> {
  return machine.sh('systemctl show holdfast -P MainPID; systemctl show holdfast -p ActiveState -p UnitFileState');
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); ) {
    assert.ok(Date.now() < deadline, 'in time');
    await pause(100);
  }
}
