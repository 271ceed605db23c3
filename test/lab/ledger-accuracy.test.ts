/** 10,000 questions by 50 programs of 10 units: the ledger's counts beside those of tcpdump, which is not ours. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Askers, askedOn, NOBODY, SERVER } from '../parts/lab/asker.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux', tcpdump: 'tcpdump' });
const UNITS = 10;
const PROGRAMS = 5;
const QUESTIONS = 200;
const USERS = [
  [0, 'root'],
  [1, 'daemon'],
] as const;

test('ledger: 10,000 questions of 50 programs are counted as tcpdump counts them, by unit and user', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await host.write('/etc/holdfast/agent.yaml', `ledger: always\nretire: [${SERVER}]\n`);
  await host.sh('agent apply');
  const capture = host.spawn([
    'tcpdump',
    '-i',
    'eth0',
    '-n',
    '-l',
    '-Q',
    'out',
    '-B',
    '16384',
    'udp',
    'dst',
    'port',
    '53',
  ]);
  const yardstick = new Log(capture.stdout!);
  const heard = new Log(capture.stderr!);
  await heard.until(/listening on eth0/);

  const programs = Array.from({ length: UNITS * PROGRAMS }, (_, index) => {
    const unit = index % UNITS;
    const [uid, user] = USERS[Math.floor(index / UNITS) % USERS.length]!;
    // One unit asks two servers.
    const server = unit === 0 && index >= UNITS ? NOBODY : SERVER;
    return { name: `${user}.u${unit}.example`, server, unit: `u${unit}.service`, uid, count: QUESTIONS };
  });
  await host.sh(`ip neigh add ${NOBODY} lladdr 02:00:00:00:00:99 dev eth0`);
  await host.sh(`${programs.map((one) => `${askers.command(one)} &`).join('\n')}\nwait`);
  await askers.ask({ name: 'the.end', unit: null });
  await yardstick.until(/the\.end/);
  const ended = once(capture, 'close');
  await host.sh('pkill -x tcpdump');
  await ended;
  assert.ok(
    heard.lines.some((line) => /^0 packets dropped by kernel/.test(line)),
    heard.lines.join('\n'),
  );

  const captured: Record<string, number> = {};
  for (const line of yardstick.lines) {
    const [, to, user, unit] = / > ([\d.]+)\.53: .* A\? (\w+)\.(u\d)\.example\. /.exec(line) ?? [];
    if (to === undefined) continue;
    const asker = `${to} ${unit}.service ${user}`;
    captured[asker] = (captured[asker] ?? 0) + 1;
  }
  const total = Object.values(captured).reduce((sum, one) => sum + one, 0);
  assert.equal(total, UNITS * PROGRAMS * QUESTIONS, 'the yardstick has all');
  const { packets, conditions } = await askedOn(host);
  assert.deepEqual(packets, { ...captured, [`${SERVER}  root`]: 1 });
  assert.deepEqual(conditions, []);
});
