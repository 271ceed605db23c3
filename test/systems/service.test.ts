/** The daemon's service in its sandbox, on each release's own systemd: it does the same as without, and survives. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Suite, suites } from '../parts/lab/debian.ts';
import type { Log } from '../parts/lab/log.ts';
import { NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { Machine, unavailable } from './machine.ts';
import { ask, edit, exposure, installService, journalOf, property } from './service.ts';

const skip = unavailable();
const dhcp = { renewEvery: 2, offers: `option domain-name-servers ${OLD.join(', ')};` };
/** What frr.service says each time that it is started. */
const REFUSED = 'netlink-dp error: Cannot allocate memory, type=RTM_NEWROUTE(24)';
const TOKEN = 'the-token-of-this-test';
const CONFIG = `dns: { nameservers: [${NEW.join(', ')}], domain: example.com }
sysctl: { net.ipv4.ip_forward: 1 }
report: { endpoint: "http://127.0.0.1:4318", interval: 1s, token-file: credential:token }
probes: { canary: { interval: 1s }, memory-errors: { logs: [ { path: /var/log/frr/frr.log } ], journal: [ frr.service ] } }
`;
/** A part of a hardened host: no program may be executed in a folder for temporary files. */
const NOEXEC = 'for f in /tmp /run /dev/shm /var/tmp; do mount -t tmpfs -o noexec,mode=1777 none $f; done';

for (const release of Object.keys(suites) as Suite[]) {
  suite(`${suites[release]}: holdfast.service`, { skip, concurrency: false }, () => {
    let machine: Machine;
    let journal: Log;

    before(async () => {
      machine = await Machine.boot({ release, dhcp, files: { '/etc/holdfast/agent.yaml': CONFIG } });
      await installService(machine);
      // The folder belongs to a group that the service is not in.
      await machine.sh(`mkdir -m 750 /var/log/frr; echo >/var/log/frr/frr.log; chown -R man:man /var/log/frr
        chmod 640 /var/log/frr/frr.log; mknod -m 600 /dev/kmsg c 1 11; mkdir -m 700 /root/secrets
        echo ${TOKEN} >/root/secrets/token; ${NOEXEC.replace('/run', '')}; mount -o remount,noexec /run`);
      await machine.write('/etc/systemd/system/frr.service', `[Service]\nExecStart=/bin/echo ${REFUSED}\n`);
      await edit(machine, 'holdfast-collector.service', 'LoadCredential=tokens:/root/secrets/token');
      await edit(machine, 'holdfast.service', 'LoadCredential=token:/root/secrets/token\nWatchdogSec=15\nRestartSec=1');
      await machine.write('/etc/default/holdfast-collector', 'HOLDFAST_COLLECTOR=--token-file credential:tokens\n');
      await machine.sh('systemctl daemon-reload; systemctl start holdfast-collector holdfast');
      journal = journalOf(machine, 'holdfast.service');
    });

    after(() => machine?.close());

    const servers = async () => nameservers(await machine.read('/etc/resolv.conf'));
    const trample = () => machine.write('/etc/resolv.conf', `nameserver ${OLD[0]}\n`);
    const held = () => eventually(async () => String(await servers()) === String(NEW), 'resolv.conf is put right');

    test('exposure: at most 2.0, the collector 1.5', async () => {
      const [agent, collector] = [
        await exposure(machine, 'holdfast.service'),
        await exposure(machine, 'holdfast-collector.service'),
      ];
      assert.ok(agent <= 2.0, `${agent}`);
      assert.ok(collector <= 1.5, `${collector}`);
    });

    test('started, it has made everything so, with two capabilities', async () => {
      assert.equal(await property(machine, 'holdfast.service', 'ActiveState'), 'active');
      assert.match(await journal.until(/"holdfast.start"/), / 0 failed \{"event"/);
      assert.deepEqual(await servers(), NEW);
      assert.equal((await machine.run(['agent', 'plan', '--quiet'])).code, 0);
      const pid = await mainPid();
      // CAP_NET_ADMIN and CAP_DAC_READ_SEARCH, capabilities(7).
      assert.match(await machine.read(`/proc/${pid}/status`), /^CapBnd:\t0000000000001004$/m);
    });

    test('it sees, the kernel’s log too, and tells the collector by a token from systemd', async () => {
      const metrics = (header: string) => ask(machine, '/metrics', header);
      let told = '';
      await eventually(async () => {
        told = await metrics(`Authorization: Bearer ${TOKEN}\\r\\n`);
        return Number(/^holdfast_collector_heartbeats_total (\d+)/m.exec(told)?.[1]) >= 3;
      }, 'heartbeats come');
      assert.match(told, /^holdfast_host_routes\{.*family="ipv6"\} \d/m);
      assert.match(await metrics(''), /^HTTP\/1\.1 401/);
      // How far it has read. It keeps this when the lines have been reported.
      await eventually(async () => machine.exists('/run/holdfast/kernel-log'), 'the kernel’s log is read');
      assert.deepEqual(
        journal.lines.filter((line) => /holdfast\.probe\.failed|canary/.test(line)),
        [],
      );
    });

    test('it hears what a routing daemon says in the journal, once, also after a restart', async () => {
      await eventually(async () => machine.exists('/run/holdfast/journal-cursor'), 'the journal is followed');
      const heard = () => journal.lines.filter((line) => line.includes('"source":"frr.service"')).length;
      const place = () => machine.read('/run/holdfast/journal-cursor');
      const before = await place();
      await machine.sh('systemctl start frr');
      await eventually(async () => heard() === 1 && (await place()) !== before, 'the first message');
      await machine.sh('systemctl stop holdfast; systemctl start frr; systemctl start holdfast');
      await eventually(async () => heard() === 2, 'the second message');
    });

    test('every key of the units is known, the process is found by its name, and errors by their level', async () => {
      assert.equal(await machine.sh("journalctl -o cat | grep -i 'unknown \\(key\\|lvalue\\)' || :"), '');
      const steps = release === 'trixie' ? '6' : ''; // systemd 257
      assert.equal(await property(machine, 'holdfast.service', 'RestartSteps'), steps);
      assert.equal((await machine.sh('pgrep -x agent -u root')).split('\n').includes(`${await mainPid()}`), true);
      assert.match(
        (await machine.run(['agent', 'status'])).stdout,
        new RegExp(`agent run\\[${await mainPid()}\\] puts right`),
      );
      const own = `journalctl -u holdfast _PID=${await mainPid()} -p info..info -o cat`;
      assert.equal(await machine.sh(`${own} | grep -c holdfast.start`), '1\n');
    });

    test('a bad configuration fails a reload, and a restart goes on with the last valid one', async () => {
      const bad = CONFIG.replace('domain:', 'domian:');
      await machine.write('/etc/holdfast/agent.yaml', bad);
      const before = await mainPid();
      const { code } = await machine.run(['systemctl', 'reload', 'holdfast']);
      assert.notEqual(code, 0);
      assert.equal(await mainPid(), before);
      assert.match(
        await machine.sh('journalctl -u holdfast -p err -o cat'),
        /agent\.yaml:1:\d+: dns\.domian: unknown key/,
      );

      const from = journal.lines.length;
      await machine.sh('systemctl restart holdfast');
      await journal.until(/^the configuration has errors, so the last valid one is held: .*dns\.domian/, from);
      assert.match(
        await property(machine, 'holdfast.service', 'StatusText'),
        /^The configuration has errors, so the last valid one is held\./,
      );
      await trample();
      await held();

      await machine.write('/etc/holdfast/agent.yaml', CONFIG);
      await machine.sh('systemctl reload holdfast');
      await eventually(
        async () => (await property(machine, 'holdfast.service', 'StatusText')) === '',
        'it is in force',
      );
    });

    test('what drifts is healed: resolv.conf, a hook, dhclient.conf, sysctl.d, a setting', async () => {
      const hook = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';
      for (const file of [hook, '/etc/dhcp/dhclient.conf', '/etc/sysctl.d/60-holdfast.conf']) {
        await machine.sh(`grep -v -e supersede -e '^[^#]' ${file} >/tmp/less || :; cat /tmp/less >${file}`);
        await eventually(async () => (await machine.run(['agent', 'plan', '--quiet'])).code === 0, file);
      }
      await trample();
      await held();
      await machine.sh('sysctl -qw net.ipv4.ip_forward=0');
      await eventually(async () => (await machine.sh('sysctl -n net.ipv4.ip_forward')) === '1\n', 'ip_forward');
      // dhclient itself was asked what it thinks of its file, in a network of its own.
      assert.match(await machine.sh('journalctl --no-pager -o cat'), /dhclient -4 -n -v --no-pid/);
    });

    test('the secret is for nobody else', async () => {
      const pid = await mainPid();
      const given = `/proc/${pid}/root/run/credentials/holdfast.service/token`;
      assert.equal(await machine.sh(`cat ${given}`), `${TOKEN}\n`);
      for (const file of [given, '/run/credentials/holdfast.service/token', `/proc/${pid}/environ`])
        assert.notEqual((await machine.run(['setpriv', '--reuid=nobody', '--clear-groups', 'cat', file])).code, 0);
      assert.doesNotMatch(await machine.sh('journalctl --no-pager'), new RegExp(TOKEN));
    });

    test('native code is from a folder that only root can write, and leaves no litter', async () => {
      const pid = await mainPid();
      const maps = await machine.read(`/proc/${pid}/maps`);
      const files = new Set([...maps.matchAll(/^\S+ r-xp \S+ \S+ \d+ +(\/.* \(deleted\))$/gm)].map(([, file]) => file));
      assert.deepEqual(
        [...files].map((file) => file!.replace(/#\d+/, '#')),
        ['/run/holdfast/code/# (deleted)'],
      );
      assert.equal(await machine.sh('find / -xdev -name "*.node" -not -path "/proc/*"'), '');
    });

    test('what the sandbox refuses is said with the directive that allows it, which does', async () => {
      await machine.sh('mkdir /srv/resolv; cp /etc/resolv.conf /srv/resolv/; ln -sf /srv/resolv/resolv.conf /etc/');
      await machine.write('/etc/holdfast/agent.yaml', CONFIG.replace('dns: {', 'dns: { symlink: follow,'));
      await machine.write('/srv/resolv/resolv.conf', `nameserver ${OLD[0]}\n`);
      const from = journal.lines.length;
      await machine.sh('systemctl restart holdfast');
      const said = await journal.until(/cannot write \/srv\/resolv\/resolv.conf.*EROFS/, from);
      const [, unit, directive] = /systemctl edit (\S+)", \[Service\] (\S+), and restart it/.exec(said) ?? [];
      assert.deepEqual([unit, directive], ['holdfast', 'ReadWritePaths=/srv/resolv']);
      await machine.write('/etc/systemd/system/holdfast.service.d/follow.conf', `[Service]\n${directive}\n`);
      await machine.sh('systemctl daemon-reload; systemctl restart holdfast');
      assert.deepEqual(nameservers(await machine.read('/srv/resolv/resolv.conf')), NEW);
      await machine.write('/etc/holdfast/agent.yaml', CONFIG);
      await machine.sh('cp --remove-destination /srv/resolv/resolv.conf /etc/; systemctl restart holdfast');
    });

    test('killed, it is started again, and what changed meanwhile is put right', async () => {
      await restarted(async () => {
        await machine.sh(`kill -KILL ${await mainPid()}`);
        await trample();
      });
    });

    test('hanging, it is ended by the watchdog and started again', async () => {
      await restarted(async () => {
        await machine.sh(`kill -STOP ${await mainPid()}`);
        await trample();
      });
      assert.equal(journal.count(/Watchdog timeout/), 1);
    });

    test('on a full disk it says so, and heals', async () => {
      await machine.sh(`systemctl stop holdfast; mkdir /mnt/state; cp -a /var/lib/holdfast/. /mnt/state
        mount -t tmpfs -o size=1m full /var/lib/holdfast; cp -a /mnt/state/. /var/lib/holdfast
        systemctl stop holdfast-collector; cat /dev/zero >/var/lib/holdfast/ballast || :`);
      const from = journal.lines.length;
      await machine.sh('systemctl start holdfast');
      await journal.until(/no space left/, from);
      await trample();
      await held();
      // No hook puts this right at a renewal.
      await machine.sh('sysctl -qw net.ipv4.ip_forward=0');
      await eventually(async () => (await machine.sh('sysctl -n net.ipv4.ip_forward')) === '1\n', 'it heals');
      assert.match(await machine.sh('ls /run/holdfast/records'), /^sysctl\./m);
      assert.equal(await property(machine, 'holdfast.service', 'ActiveState'), 'active');
      await machine.sh(
        'systemctl stop holdfast; umount /var/lib/holdfast; systemctl start holdfast-collector holdfast',
      );
    });

    test('after a reboot, where no kernel log can be had: applied before the network, held', async () => {
      await machine.sh('systemctl enable holdfast holdfast-apply holdfast-collector');
      await machine.reboot();
      assert.equal(machine.exists('/dev/kmsg'), false);
      assert.equal(await property(machine, 'holdfast.service', 'ActiveState'), 'active');
      const applied = Number(await property(machine, 'holdfast-apply.service', 'ActiveEnterTimestampMonotonic'));
      const network = Number(await property(machine, 'networking.service', 'InactiveExitTimestampMonotonic'));
      assert.ok(applied > 0 && applied <= network, `${applied} ${network}`);
      assert.deepEqual(await servers(), NEW);
    });

    test('a routing daemon’s group that is deleted later, without a reload of the units, bars no start', async () => {
      const groups = () => property(machine, 'holdfast.service', 'SupplementaryGroups');
      await machine.sh('groupadd bird; groupadd frrvty; systemctl daemon-reload; systemctl restart holdfast');
      assert.equal(await groups(), 'bird frrvty');
      for (const [group, left] of [
        ['frrvty', 'bird'],
        ['bird', ''],
      ] as const) {
        await machine.sh(`groupdel ${group}; systemctl restart holdfast`);
        assert.equal(await property(machine, 'holdfast.service', 'ActiveState'), 'active');
        assert.equal(await groups(), left);
        assert.equal(await property(machine, 'holdfast.service', 'NRestarts'), '0');
      }
    });

    /** Never 0, to which a signal would reach this test itself. */
    async function mainPid(): Promise<number> {
      const pid = Number(await property(machine, 'holdfast.service', 'MainPID'));
      assert.ok(pid > 0, 'it runs');
      return pid;
    }

    async function restarted(work: () => Promise<void>): Promise<void> {
      const restarts = async () => Number(await property(machine, 'holdfast.service', 'NRestarts'));
      const before = await restarts();
      await work();
      await eventually(async () => (await restarts()) > before, 'it is started again');
      await held();
      await eventually(
        async () => (await property(machine, 'holdfast.service', 'ActiveState')) === 'active',
        'it is ready',
      );
    }
  });
}

async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `in time: ${what}`);
    await pause(100);
  }
}
