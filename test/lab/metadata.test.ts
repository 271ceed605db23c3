/** Routes that are left to the cloud, on a throw-away host whose metadata service (a fake of EC2's) fails in every way. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import type { Behaviour, Failure } from '../parts/lab/metadata-service.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { eventually } from '../qemu/eventually.ts';

const skip = unavailable();

const MAC = '0e:49:61:0f:c3:11';
const SERVICE = '169.254.169.254';
const GATEWAY = '10.0.16.1';
const CONFIG = (interval: string) => `routes: [{ to: 'metadata:vpc-ipv4-cidr-blocks', via: subnet-gateway, dev: eth0 }]
metadata: { provider: ec2, interval: ${interval} }
report: { interval: 1s }
`;
const RECORD = '/var/lib/holdfast/metadata.json';

let host: LabHost;
let service: ChildProcess;
let said: Log;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  await host.sh(
    `ip link set srv0 up; ip addr add ${GATEWAY}/20 dev srv0; ip addr add ${SERVICE}/32 dev srv0; ip link set lo up`,
    { where: 'server' },
  );
  await host.sh(
    `ip link set eth0 address ${MAC} up; ip addr add 10.0.16.5/20 dev eth0; ip route add ${SERVICE} dev eth0`,
  );
  await host.write('/etc/holdfast/agent.yaml', CONFIG('1h'));
  await serve();
});
after(() => host?.close());

async function serve(): Promise<void> {
  const program = `${REPOSITORY}/test/parts/lab/metadata-service.ts`;
  const script = `echo $$ >/run/lab/service.pid; exec ${process.execPath} ${program} ${SERVICE} 80`;
  service = host.spawn(['sh', '-c', script], { where: 'server' });
  said = new Log(service.stdout!);
  await said.until(/ready/);
}

/** From now on; gives how many requests there were before. */
async function behave(behaviour: Partial<Behaviour>): Promise<number> {
  const from = said.lines.length;
  service.stdin!.write(`${JSON.stringify(behaviour)}\n`);
  return Number.parseInt((await said.until(/^after/, from)).split(' ')[1] ?? '', 10);
}

const vpc = (...blocks: string[]): Partial<Behaviour> => ({
  interfaces: { [MAC]: { 'vpc-ipv4-cidr-blocks': blocks.join('\n'), 'subnet-ipv4-cidr-block': '10.0.16.0/20' } },
  failure: null,
  at: '/meta-data/',
});

/** Destinations of the routes that are Holdfast's. */
async function held(): Promise<string[]> {
  const text = await host.sh('ip -4 route show proto 72');
  return [...text.matchAll(/^(\S+) via (\S+) dev eth0/gm)].map(([, to, via]) => `${to} ${via}`);
}
const through = (...networks: string[]) => networks.map((network) => `${network} ${GATEWAY}`);

interface View {
  readonly key: string;
  readonly values: string[] | null;
  readonly problem: string | null;
}

async function view(): Promise<View> {
  const { metadata } = JSON.parse((await host.agent('status', '--json')).stdout);
  return metadata.find(({ key }: View) => key.startsWith('vpc'));
}

function problem(pattern: RegExp): Promise<unknown> {
  return eventually(async () => (pattern.test((await view()).problem ?? '') ? true : null), `${pattern}`);
}

function holds(...networks: string[]): Promise<unknown> {
  const wanted = through(...networks).join();
  return eventually(async () => ((await held()).join() === wanted ? true : null), wanted);
}

test('metadata: before the first answer there is no route, and status says that the value is not known yet', {
  skip,
}, async () => {
  await behave({ ...vpc(), failure: 'silent', at: '' });
  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    /did not answer in time: .* hop limit .*; no value is known yet, so its routes stay as they are/,
  );
  assert.deepEqual(await held(), []);
});

test('metadata: `apply` fetches once, holds the values, and then does not ask again', { skip }, async () => {
  await behave(vpc('10.0.0.0/16', '10.1.0.0/16'));
  const first = await host.agent('apply');
  assert.equal(first.code, 0, first.stdout);
  assert.deepEqual(await held(), through('10.0.0.0/16', '10.1.0.0/16'));
  const asked = await behave({});
  assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0);
  assert.equal((await host.agent('plan')).code, 0);
  assert.match(
    (await host.agent('status')).stdout,
    /vpc-ipv4-cidr-blocks eth0: 10\.0\.0\.0\/16, 10\.1\.0\.0\/16; EC2’s metadata, \d+ s ago/,
  );
  assert.equal(await behave({}), asked);
});

test('metadata: after a boot the routes are there before the service answers', { skip }, async () => {
  await host.sh('ip route flush proto 72; kill $(cat /run/lab/service.pid)');
  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0, stdout);
  assert.deepEqual(await held(), through('10.0.0.0/16', '10.1.0.0/16'));
  await serve();
  await behave(vpc('10.0.0.0/16', '10.1.0.0/16'));
});

/** The message about each failure during which the route stays held. */
const FAILURES: Partial<Record<Failure, RegExp>> = {
  silent: /did not answer in time/,
  'status-500': /it fails \(500/,
  unauthorized: /\(401\)/,
  redirect: /redirects/,
  empty: /no hardware address/,
  truncated: /cut before the answer was whole/,
  garbage: /no plain text/,
  'web-page': /a web page/,
  slow: /did not answer in time/,
  huge: /larger than 64 KiB/,
};
const ABSURD: Partial<Record<Failure, RegExp>> = {
  empty: /is empty/,
  everything: /0\.0\.0\.0\/0 is wider/,
  multicast: /no network that hosts can have/,
  flipping: /and a moment later/,
};

test('metadata: the daemon holds the routes through every failure of the service', { skip }, async () => {
  await host.write('/etc/holdfast/agent.yaml', CONFIG('1s'));
  const monitor = new Log(host.spawn(['ip', 'monitor', 'route']).stdout!);
  const agent = await RunningAgent.start(host);
  const all = [
    ...Object.entries(FAILURES).map(([failure, said]) => ({ failure, at: '/meta-data/', said })),
    ...Object.entries(ABSURD).map(([failure, said]) => ({ failure, at: '/vpc-ipv4-cidr-blocks', said })),
  ];
  for (const { failure, at, said } of all) {
    await behave({ failure: failure as Failure, at });
    await problem(said);
    assert.deepEqual(await held(), through('10.0.0.0/16', '10.1.0.0/16'), failure);
  }
  // Nothing listens; and nobody is there.
  await host.sh('kill $(cat /run/lab/service.pid)');
  await problem(/connection refused/);
  await host.sh(`ip addr del ${SERVICE}/32 dev srv0`, { where: 'server' });
  await problem(/cannot be reached/);
  assert.match(
    (await agent.event('holdfast.metadata.failed')).msg,
    /cannot be fetched: vpc-ipv4-cidr-blocks eth0: .* \(the known values stay in force\)/,
  );
  assert.deepEqual(await held(), through('10.0.0.0/16', '10.1.0.0/16'));
  const touched = monitor.lines.filter((line) => line.includes('10.0.0.0/16') || line.includes('10.1.0.0/16'));
  assert.deepEqual(touched, []);
  for (const event of ['holdfast.heal', 'holdfast.drift', 'holdfast.metadata.changed'])
    assert.equal(agent.count(event), 0);
  // A route that another program removes meanwhile comes back, although the metadata service does not answer.
  await host.sh('ip route del 10.0.0.0/16 proto 72');
  await holds('10.0.0.0/16', '10.1.0.0/16');

  await host.sh(`ip addr add ${SERVICE}/32 dev srv0`, { where: 'server' });
  await serve();
  await behave(vpc('10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16'));
  const changed = await agent.event('holdfast.metadata.changed');
  assert.match(
    changed.msg,
    /says vpc-ipv4-cidr-blocks eth0 is .*10\.2\.0\.0\/16; it was 10\.0\.0\.0\/16, 10\.1\.0\.0\/16$/,
  );
  await holds('10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16');
  await behave(vpc('10.0.0.0/16', '10.2.0.0/16'));
  await agent.event('holdfast.metadata.changed');
  await holds('10.0.0.0/16', '10.2.0.0/16');
  assert.equal((await view()).problem, null);
  const { samples } = JSON.parse((await host.agent('probe', 'metadata', '--json')).stdout).probes[0];
  assert.deepEqual(
    samples.map(({ metric }: { metric: string }) => metric),
    ['holdfast.metadata.age', 'holdfast.metadata.age'],
  );
  assert.equal(await agent.stop(), 0);
});

test('metadata: another instance of the same image takes over no value of the first', { skip }, async () => {
  await host.sh(
    'ip route flush proto 72; ip link set eth0 address 0e:49:61:0f:c3:99; kill $(cat /run/lab/service.pid)',
  );
  await host.sh(`ip route replace ${SERVICE} dev eth0`);
  assert.ok(await host.exists(RECORD));
  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /connection refused\); no value is known yet/);
  assert.deepEqual(await held(), []);
});
