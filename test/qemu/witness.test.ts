/** Who did it, by kprobes, on Debian's kernel, by the daemon in its sandbox: each way in which programs write a file. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { journalEntry } from '../parts/lab/journal.ts';
import { eventually } from './eventually.ts';
import { QemuMachine, unavailable } from './machine.ts';
import { PACKAGES } from './packages.ts';

const CONFIG = 'dns: { nameservers: [10.77.0.21, 10.77.0.22] }\n';
const TRACEFS = '/sys/kernel/tracing';
const F = '/etc/resolv.conf';

/** Each with the program that the event is to name, and who started that, as far as it is plain. */
const DEEDS: readonly (readonly [name: string, script: string, by: RegExp])[] = [
  ['cp', `cp /root/theirs ${F}`, /\(by cp\[\d+\], which has ended, started by sh\[\d+\]/],
  ['mv', `cp /root/theirs /etc/new; mv /etc/new ${F}`, /\(by mv\[\d+\], which has ended, started by sh\[\d+\]/],
  ['sed -i', `sed -i s/10.77.0.21/192.0.2.9/ ${F}`, /\(by sed\[\d+\], which has ended, started by sh\[\d+\]/],
  // vim with a backup renames the old file away and writes the new one under the old name.
  [
    'vi',
    `cp /usr/bin/perl /usr/local/bin/vi
    vi -e 'rename("${F}", "${F}~"); open(my $f, ">", "${F}") or die; print $f "nameserver 192.0.2.9\\n"'`,
    /\(by vi\[\d+\], which has ended, started by sh\[\d+\]/,
  ],
  // A real lease, by Debian’s own script; only that neither knows of Holdfast, which would keep it from writing.
  [
    'dhclient',
    `sed s/-hooks/-none/ /sbin/dhclient-script >/root/dhclient-script; chmod 755 /root/dhclient-script
    ip netns add server; ip link add eth9 type veth peer name srv0 netns server
    ip -n server address add 10.77.0.1/24 dev srv0; ip -n server link set srv0 up
    ip netns exec server dnsmasq --port=0 --interface=srv0 --dhcp-range=10.77.0.100,10.77.0.200 \\
      --dhcp-option=option:dns-server,192.0.2.9 --dhcp-leasefile=/run/leases --pid-file=/run/dnsmasq.pid
    dhclient -4 -v -1 -cf /dev/null -sf /root/dhclient-script -pf /run/dhclient.pid eth9`,
    /\(by dhclient-script\[\d+\].* started by dhclient\[\d+\]/,
  ],
];

suite('Debian 12’s kernel: who did it', { skip: unavailable(), concurrency: false }, () => {
  let machine: QemuMachine;
  let seen = 0;

  before(async () => {
    machine = await QemuMachine.boot({ release: 'bookworm', packages: PACKAGES });
    await machine.installService();
    await machine.write('/etc/holdfast/agent.yaml', CONFIG);
    await machine.write('/root/theirs', 'nameserver 192.0.2.9\n');
    await machine.sh('systemctl start holdfast');
  });

  after(() => machine?.close());

  /** The next heals after those that were looked at before, and what they say. */
  const healed = async (): Promise<string> => {
    const all = await eventually(async () => {
      const { stdout } = await machine.run(`journalctl -u holdfast -o cat | grep 'resolv.conf.*"holdfast.heal"'`);
      const lines = stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '');
      return lines.length > seen ? lines : null;
    }, 'it is healed');
    const news = all.slice(seen);
    seen = all.length;
    return news.map((line) => journalEntry(line).msg).join('\n');
  };

  test('the first time nobody was watching, and then the kernel does, by kprobes', async () => {
    await machine.sh(`cp /root/theirs ${F}`);
    assert.match(await healed(), /culprit unknown: it was not traced yet/);
    const events = `${TRACEFS}/instances/holdfast-etc-resolv.conf/events/holdfast`;
    await eventually(async () => {
      const { code } = await machine.run(`grep -q 1 ${events}/open/enable && grep -q 1 ${events}/rename/enable`);
      return code === 0 ? true : null;
    }, 'it is watched');
    // What began to watch has taken nothing from what watches already.
    await machine.sh(`grep -q 1 ${TRACEFS}/instances/holdfast-routes/events/holdfast/route4/enable`);
    assert.match(
      await machine.sh('agent doctor || :'),
      /HF-WHO\n.*the daemon names the process that changes it again, by kprobes$/m,
    );
  });

  for (const [name, script, by] of DEEDS) {
    test(`${name} is named`, async (t) => {
      await machine.sh(script);
      const said = await healed();
      t.diagnostic(said);
      assert.match(said, by);
    });
  }

  test('stopped, it leaves nothing', async () => {
    await machine.sh('systemctl stop holdfast');
    assert.equal(await machine.sh(`cat ${TRACEFS}/kprobe_events; ls ${TRACEFS}/instances`), '');
  });
});
