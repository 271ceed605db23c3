/** With waves configured, an apply and a daemon that find nothing to change load nothing of trials and waves, and ask nobody. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { sourcesCommand } from '../parts/agent-command.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ strace: 'strace' });
const WAVE = '/var/lib/holdfast/wave';
const TRACE = '/run/lab/trace';
/** The sources, because the modules that they load are files. */
const TRACED = ['strace', '-f', '-qq', '-e', 'trace=openat,connect', '-s', '999', '-o', TRACE].concat(
  sourcesCommand().split(' '),
);
/** Nobody answers there. */
const CONFIGURATION = `
report: { endpoint: "https://127.0.0.9:4318", token-file: /etc/holdfast/token, interval: 1h }
confirm: { within: 10s, waves: true }
sysctl: { net.ipv4.ip_forward: 1 }
`;
const ASKS = /trial-guard\.ts|ask-wave\.ts/;
const ASKED = /127\.0\.0\.9/;

test('known waves: an apply and a daemon that find nothing to change ask nobody', { skip }, async () => {
  await using host = await LabHost.create();
  await host.sh('ip link set lo up; mkdir -p /etc/holdfast');
  await host.write('/etc/holdfast/token', 'lab-token\n', 0o600);
  await host.write('/etc/holdfast/agent.yaml', CONFIGURATION);
  const asking = await host.run([...TRACED, 'apply']);
  assert.equal(asking.code, 8, asking.stdout + asking.stderr);
  const control = await host.read(TRACE);
  assert.match(control, ASKS);
  assert.match(control, ASKED);

  await host.sh(`cp ${WAVE} /run/lab/wave; agent apply --no-confirm
    sed 's/"waiting"/"kept"/' /run/lab/wave >${WAVE}; agent apply`);
  const known = await host.run([...TRACED, 'apply']);
  assert.match(`${known.code} ${known.stdout}`, /^0 \d+ as wanted, 0 changed$/m);
  const trace = await host.read(TRACE);
  const loaded = [...trace.matchAll(/agent\/(confirm\/[^"]+\.ts)"/g)].map(([, file]) => file);
  assert.deepEqual(loaded, ['confirm/trial/confirmed-hash.ts']);
  assert.doesNotMatch(trace, ASKED);

  const daemon = host.spawn([...TRACED, 'run']);
  const log = new Log(daemon.stderr!);
  await log.until(/"holdfast.start".* 0 changed, 0 failed/);
  await host.sh('pkill -HUP -f "cli.ts run$"');
  await log.until(/read the same configuration again: \d+ as wanted, 0 changed, 0 failed/);
  await host.sh('pkill -TERM -f "cli.ts run$"');
  await once(daemon, 'close');
  assert.doesNotMatch(await host.read(TRACE), ASKS);
});
