/** `dhclient.restart: whenSafe` of the packaged daemon: its sandbox may not, so systemd has it done; ifup's dhclient, and no ping is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suites } from '../parts/lab/debian.ts';
import { NEW, nameservers } from '../parts/lab/scene.ts';
import { watchPings } from '../parts/lab/watch.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

/** Debian's dhclient.conf has it ask for ntp-servers, and no hook can have it not do so. */
const CONFIG = `dns: { nameservers: [${NEW.join(', ')}] }
dhclient: { restart: whenSafe, request: { without: [ntp-servers] } }
`;

for (const release of Object.keys(suites) as (keyof typeof suites)[]) {
  test(`${suites[release]}: started again by the sandboxed daemon`, { skip: unavailable() }, async () => {
    await using machine = await Machine.boot({ release });
    await machine.sh(`timeout 60 sh -c 'until ip -4 addr show dev eth0 | grep -q inet; do sleep 0.1; done'`);
    await installService(machine);
    const dhclient = async () => (await machine.sh('pgrep -x dhclient')).trim();
    const network = () => machine.sh("ip -4 -o addr show | sed 's/valid_lft.*//'; ip -4 route");
    // The process's capabilities, filters, namespaces and control group.
    const rights = (pid: string) =>
      machine.sh(
        `grep -E '^(Cap|Seccomp|NoNewPrivs)' /proc/${pid}/status; ls -l /proc/${pid}/ns | sed 's/.*[0-9] //'; cat /proc/${pid}/cgroup`,
      );
    const old = await dhclient();
    const before = { network: await network(), rights: await rights(old) };
    await machine.write('/etc/holdfast/agent.yaml', CONFIG);
    const [, address] = /inet (10\.[\d.]+)/.exec(before.network)!;
    const pings = await watchPings(machine.outside, address!, 'server');
    const journal = journalOf(machine, 'holdfast.service');
    await machine.sh('systemctl start holdfast');

    const said = await journal.until(/holdfast\.dhclient\./);

    assert.match(said, /address, routes and resolv\.conf are as they were to be.*"holdfast\.dhclient\.restarted"/);
    const { answered, lost } = await pings.stop();
    assert.ok(answered > 0 && lost === 0, `${lost} lost, ${answered} answered`);
    const now = await dhclient();
    assert.match(now, /^\d+$/, 'one');
    assert.notEqual(now, old);
    assert.equal(await network(), before.network);
    assert.equal(await rights(now), before.rights, 'no more confined than it was');
    assert.deepEqual(nameservers(await machine.read('/etc/resolv.conf')), NEW);
    assert.doesNotMatch(await machine.sh('agent status'), /pending/);
    assert.equal((await machine.sh('systemctl list-units --all --plain --no-legend "run-*.service"')).trim(), '');
  });
}
