/** A trial on each release's own systemd: its timer, the sandboxed daemon, kill -9, and a power cut in the middle. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Suite, suites } from '../parts/lab/debian.ts';
import type { Log } from '../parts/lab/log.ts';
import { Machine, unavailable } from './machine.ts';
import { edit, installService, journalOf } from './service.ts';

const skip = unavailable();
const ROUTER = '10.77.0.1';
const CONFIGURATION = '/etc/holdfast/agent.yaml';
const PORT = 7022;
const LISTENS = `require('node:net').createServer((socket) => socket.end()).listen(${PORT}, () => console.log('ready'))`;
const confirm = (within: number) =>
  `confirm: { by: local, within: ${within}s, also: [{ tcp: "${ROUTER}:${PORT}" }] }\n`;
const GOOD = 'sysctl: { net.ipv4.conf.default.send_redirects: 0 }\n';
const WRONG = `routes: [{ to: ${ROUTER}/32, type: blackhole }]\nsysctl: { net.ipv4.ip_forward: 1 }\n`;

for (const release of Object.keys(suites) as Suite[]) {
  suite(`${suites[release]}: confirm`, { skip, concurrency: false }, () => {
    let machine: Machine;
    let journal: Log;

    before(async () => {
      const files = { [CONFIGURATION]: GOOD + confirm(10) };
      machine = await Machine.boot({ release, dhcp: { offers: `option routers ${ROUTER};` }, files });
      const router = machine.spawn([process.execPath, '-e', LISTENS], { where: 'server' });
      await new Promise((resolve) => router.stdout!.once('data', resolve));
      await installService(machine);
      await machine.sh('systemctl enable holdfast holdfast-apply; systemctl start holdfast');
      journal = journalOf(machine, 'holdfast.service');
    });

    after(() => machine?.close());

    test('the sandboxed daemon pings a gateway by its link, and says why it pings no other address', async () => {
      const pinged = `confirm: { by: local, within: 20s, also: [{ ping: gateway }, { ping: ${ROUTER} }] }\n`;
      await machine.write(CONFIGURATION, `${GOOD}routes: [{ to: 192.0.2.0/24, type: blackhole }]\n${pinged}`);
      await machine.sh('systemctl reload holdfast');
      const said = await journal.until(/"holdfast.change.confirmed"/, journal.lines.length);
      assert.match(said, /these answer: gateway \(IPv4\), ping gateway \(IPv4\)/);
      assert.match(said, /do not count \(ping 10\.77\.0\.1: ping may not run in this sandbox: .*CAP_NET_RAW/);
    });

    test('with the rights that it names, the daemon pings each address', async () => {
      const directives = 'CapabilityBoundingSet=CAP_NET_RAW\nSystemCallFilter=capset setuid';
      await edit(machine, 'holdfast.service', directives);
      const pinged = `confirm: { by: local, within: 20s, also: [{ ping: ${ROUTER} }] }\n`;
      await machine.write(CONFIGURATION, GOOD + pinged);
      const from = journal.lines.length;
      await machine.sh('systemctl restart holdfast');
      assert.match(await journal.until(/"holdfast.change.confirmed"/, from), new RegExp(`, ping ${ROUTER}`));
      await edit(machine, 'holdfast.service', '');
      await machine.write(CONFIGURATION, GOOD + confirm(10));
      await machine.sh('systemctl restart holdfast');
    });

    const everything = () =>
      machine.sh(`find /etc -type f ! -path ${CONFIGURATION} | sort | xargs -d '\\n' sha256sum
        ip route show table all; sysctl -n net.ipv4.ip_forward net.ipv4.conf.default.send_redirects`);
    const onTrial = () =>
      machine.sh(
        'for i in $(seq 600); do grep -q \'"changed":[0-9]\' /var/lib/holdfast/trial/record 2>/dev/null && exit; sleep 0.1; done; exit 1',
      );
    const ended = () =>
      machine.sh('for i in $(seq 900); do [ -e /var/lib/holdfast/trial ] || exit 0; sleep 0.1; done; exit 1');

    test('the daemon keeps a change that is confirmed', async () => {
      await journal.until(/"holdfast.change.confirmed"/);
      assert.match(await machine.read('/var/lib/holdfast/confirmed'), /send_redirects/);
    });

    test('a reload that cuts the host off is put back by the daemon, and its timer is gone', async () => {
      const then = await everything();
      await machine.write(CONFIGURATION, WRONG + confirm(20));
      await machine.sh('systemctl reload holdfast');
      await onTrial();
      assert.match(await machine.sh('systemctl list-timers --all --no-pager'), /holdfast-trial-[0-9a-f]{8}\.timer/);
      const [one, other] = (await machine.sh('stat -L -c %i /usr/bin/agent /var/lib/holdfast/trial/agent')).split('\n');
      assert.equal(one, other, 'the undo has the executable, whatever an upgrade does');
      await journal.until(/"holdfast.change.put_back"/);
      assert.equal(await everything(), then);
      assert.doesNotMatch(await machine.sh('systemctl list-timers --all --no-pager'), /holdfast-trial/);
    });

    test('kill -9 of an apply: the timer puts all back', async () => {
      await machine.sh('systemctl stop holdfast');
      const then = await everything();
      await machine.write(CONFIGURATION, `# killed\n${WRONG}${confirm(10)}`);
      machine.spawn(['agent', 'apply']);
      await onTrial();
      await machine.sh('pkill -KILL -x agent');
      await ended();
      assert.equal(await everything(), then);
      assert.match(await machine.read('/var/lib/holdfast/put-back'), /the agent ended before the change was confirmed/);
    });

    test('power cut: the boot puts the files back before the network, and holds the confirmed configuration', async () => {
      const files = () => machine.sh(`find /etc/sysctl.d /etc/dhcp -type f | sort | xargs -d '\\n' sha256sum`);
      const then = await files();
      await machine.write(CONFIGURATION, `# cut\n${WRONG}${confirm(600)}`);
      machine.spawn(['agent', 'apply']);
      await onTrial();
      assert.notEqual(await files(), then);
      await machine.sh('sync');
      await machine.pullPlug();
      await machine.reboot();
      assert.equal(await files(), then);
      assert.doesNotMatch(await machine.sh('ip route; ls /var/lib/holdfast'), /blackhole|^trial$/m);
      assert.equal(await machine.sh('sysctl -n net.ipv4.ip_forward net.ipv4.conf.default.send_redirects'), '0\n0\n');
      const put = /the machine was booted before the change was confirmed/;
      assert.match((await machine.run(['agent', 'status'])).stdout, put);
      await journalOf(machine, 'holdfast.service').until(put);
    });
  });
}
