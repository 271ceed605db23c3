/** The same change to name servers that do not work: what stands, and whether the host still finds anything. */
import { setTimeout as pause } from 'node:timers/promises';
import { startNameServer } from '../parts/lab/dhcp.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { startOddNameServer } from '../parts/lab/odd-dns.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { ADDRESS, judge, NAME, resolvConf } from './change.ts';
import { type LookUps, watchLookUps } from './look-ups.ts';
import type { Subject } from './subject.ts';
import type { Way } from './ways.ts';

/** How long look-ups are watched when the tool has ended. */
const AFTER_MS = 5_000;

export interface BadServers {
  readonly kind: string;
  readonly servers: readonly string[];
  start(outside: LabHost): Promise<unknown>;
}

/** An address without a host. Packets to it are dropped on their way. */
const BLACKHOLE = '192.0.2.53';
const nothing = async () => {};

export const BAD_SERVERS: readonly BadServers[] = [
  { kind: 'in a black hole', servers: [BLACKHOLE], start: nothing },
  {
    kind: 'no process there',
    servers: ['10.77.0.35'],
    start: (outside) => outside.sh('ip addr add 10.77.0.35/32 dev srv0', { where: 'server' }),
  },
  {
    kind: 'slow, 3 s',
    servers: ['10.77.0.34'],
    start: (outside) => startOddNameServer(outside, '10.77.0.34', OLD[0], { kind: 'slow', milliseconds: 3_000 }),
  },
  {
    kind: 'NXDOMAIN for everything',
    servers: ['10.77.0.31'],
    start: (outside) => startNameServer(outside, '10.77.0.31', {}, ['--local=/#/']),
  },
  {
    kind: 'a wrong address',
    servers: ['10.77.0.32'],
    start: (outside) => startNameServer(outside, '10.77.0.32', { [NAME]: '192.0.2.1' }),
  },
  {
    kind: 'TCP only',
    servers: ['10.77.0.36'],
    start: (outside) => startOddNameServer(outside, '10.77.0.36', OLD[0], { kind: 'tcp-only' }),
  },
  { kind: 'the second of two in a black hole', servers: [NEW[0], BLACKHOLE], start: nothing },
];

export interface ProofRow {
  readonly kind: string;
  readonly way: Pick<Way, 'tool' | 'variant'>;
  /** Exit status of the tool. */
  readonly status: number | null;
  /** The state of resolv.conf at that time: see `judge`. */
  readonly changed: string;
  /** While it ran. */
  readonly change: LookUps;
  /** When it had ended. */
  readonly after: LookUps;
}

export async function measureProof(subject: Subject, way: Way, bad: BadServers): Promise<ProofRow> {
  const { system, outside } = subject;
  await bad.start(outside);
  for (const [file, text] of Object.entries(way.files(bad.servers))) await system.write(file, text);
  const changing = await watchLookUps(system, NAME, ADDRESS);
  const { code } = await system.run(['sh', '-ec', way.script]);
  const change = await changing.stop();
  const looking = await watchLookUps(system, NAME, ADDRESS);
  await pause(AFTER_MS);
  const after = await looking.stop();
  const changed = judge(await system.read('/etc/resolv.conf'), resolvConf(bad.servers));
  const { tool, variant } = way;
  return { kind: bad.kind, way: { tool, variant }, status: code, changed, change, after };
}
