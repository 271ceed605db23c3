/** Debian 12's own kernel and systemd: the program that sends is named while it sends, and its real unit by the ledger. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventually } from './eventually.ts';
import { QemuMachine, unavailable } from './machine.ts';
import { PACKAGES } from './packages.ts';

const SERVER = '10.99.0.53';
const SIX = '2001:db8:99::53';
const send = (family: 'INET' | 'INET6', to: string, connected: boolean) =>
  `perl -MSocket=:all -e 'socket(S, PF_${family}, SOCK_DGRAM, 17); $to = ${family === 'INET' ? `pack_sockaddr_in(53, inet_aton("${to}"))` : `pack_sockaddr_in6(53, inet_pton(AF_INET6, "${to}"))`}; ${connected ? 'connect(S, $to); send(S, "x", 0)' : 'send(S, "x", 0, $to)'}; sleep 2'`;

/** The beginning of a TCP connection by IPv6. Nobody answers, and the program ends before the kernel gives up. */
const connect = (to: string) =>
  `perl -MSocket=:all -e 'alarm 5; socket(S, PF_INET6, SOCK_STREAM, 6); connect(S, pack_sockaddr_in6(853, inet_pton(AF_INET6, "${to}"))); sleep 2'`;

/** `unit protocol` of each sender. */
const unitsOf = ({ senders }: { senders: readonly { unit: string; protocol: string }[] }) =>
  senders.map(({ unit, protocol }) => `${unit} ${protocol}`).sort();

suite('Debian 12’s kernel: who sends to an address', { skip: unavailable(), concurrency: false }, () => {
  let machine: QemuMachine;

  before(async () => {
    machine = await QemuMachine.boot({ release: 'bookworm', packages: PACKAGES });
    await machine.installService();
    await machine.write('/etc/holdfast/agent.yaml', `retire: [${SERVER}, "${SIX}"]\n`);
    await machine.sh(`ip link add d0 type dummy; ip link set d0 up
      ip addr add 10.99.0.1/24 dev d0; ip -6 addr add 2001:db8:99::1/64 dev d0 nodad
      systemctl start holdfast`);
  });

  after(() => machine?.close());

  const watch = async (address: string, work: string) => {
    const { code, stdout, stderr } = await machine.run(
      `set +e; agent depends --watch 30s ${address} --json >/tmp/watch.json 2>/tmp/watch.err & watcher=$!
      until grep -q 1 /sys/kernel/tracing/instances/holdfast-sends/events/holdfast/send_udp*/enable 2>/dev/null; do sleep 0.2; done
      sleep 3; ${work}; wait $watcher; status=$?; cat /tmp/watch.json; cat /tmp/watch.err >&2; exit $status`,
    );
    assert.ok(code === 0 || code === 2, `${code}: ${stdout}${stderr}`);
    return { code, watched: JSON.parse(stdout) };
  };

  test('watch: the kprobes prove themselves, and name program, unit and user of UDP, connected UDP and TCP', async () => {
    const { code, watched } = await watch(
      SERVER,
      `systemd-run -q --unit=old-udp ${send('INET', SERVER, false)}
      systemd-run -q --unit=old-connected --uid=nobody ${send('INET', SERVER, true)}
      systemd-run -q --unit=other ${send('INET', '10.99.0.54', false)}
      timeout 2 bash -c 'echo >/dev/tcp/${SERVER}/853'`,
    );
    assert.equal(watched.blind, null);
    assert.equal(code, 2);
    const rows = watched.senders.map(({ program, unit, user, protocol }: Record<string, string>) =>
      [program, unit, user, protocol].join(' '),
    );
    assert.deepEqual(rows.sort(), [
      'bash channel.service root TCP',
      'perl old-connected.service nobody UDP',
      'perl old-udp.service root UDP',
    ]);
    const units = watched.counted.map(({ unit }: { unit: string }) => unit);
    assert.ok(units.includes('old-udp.service') && units.includes('old-connected.service'), units.join());
    assert.ok(!units.includes('other.service'));
    assert.match(
      await machine.sh('cat /sys/kernel/tracing/kprobe_events; ls /sys/kernel/tracing/instances'),
      /^(?![\s\S]*send)/,
    );
  });

  test('watch: IPv6 likewise, with TCP', async () => {
    const { watched } = await watch(
      SIX,
      `systemd-run -q --unit=six-udp ${send('INET6', SIX, false)}; systemd-run -q --unit=six-connected ${send('INET6', SIX, true)}
      systemd-run -q --unit=six-tcp ${connect(SIX)}; systemd-run -q --unit=six-other ${connect('2001:db8:99::54')}`,
    );
    assert.equal(watched.blind, null);
    assert.deepEqual(unitsOf(watched), ['six-connected.service UDP', 'six-tcp.service TCP', 'six-udp.service UDP']);
  });

  test('watch: an IPv4 address that is mapped into IPv6 is the IPv4 address, over UDP and TCP', async () => {
    const mapped = `::ffff:${SERVER}`;
    const { watched } = await watch(
      SERVER,
      `systemd-run -q --unit=mapped-udp ${send('INET6', mapped, false)}; systemd-run -q --unit=mapped-connected ${send('INET6', mapped, true)}
      systemd-run -q --unit=mapped-tcp ${connect(mapped)}`,
    );
    assert.equal(watched.blind, null);
    assert.deepEqual(unitsOf(watched), [
      'mapped-connected.service UDP',
      'mapped-tcp.service TCP',
      'mapped-udp.service UDP',
    ]);
  });

  test('ledger: the daemon in its sandbox counts real units, also those that ended', async () => {
    const seen = await eventually(async () => {
      const { stdout } = await machine.run('agent probe asked');
      return ['old-udp.service', 'old-connected.service', 'six-udp.service'].every((unit) => stdout.includes(unit))
        ? stdout
        : null;
    }, 'the ledger has all units');
    assert.match(seen, /holdfast\.nameserver\.ledger_since +server=10\.99\.0\.53/);
    assert.doesNotMatch(seen, /server=10\.99\.0\.53 unit=other\.service/);
  });
});
