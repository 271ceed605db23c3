/** What the probes count on a throw-away host beside what iproute2 lists there, by table and protocol. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Condition, Reading, Sample } from '../../../probes/probe.ts';
import { REPOSITORY } from '../repository.ts';
import type { LabHost } from './host.ts';

export const INSIDE = join(REPOSITORY, 'test/parts/lab/routes-inside.ts');

export async function read(host: LabHost, ...probes: string[]): Promise<Reading[]> {
  const { code, stdout, stderr } = await host.run([process.execPath, INSIDE, ...probes]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Reading[];
}

/** Sorted out there: a million lines need not come here. */
const COUNT = `awk '{ t = 254; p = 3; for (i = 1; i < NF; i++) { if ($i == "table") t = $(i + 1); if ($i == "proto") p = $(i + 1) } n[t " " p]++ }
  END { for (k in n) print k, n[k] }'`;

/** The number of routes for each `table protocol`, in the words of `ip route`. */
async function listed(host: LabHost, family: 4 | 6): Promise<Record<string, number>> {
  const lines = (await host.sh(`ip -${family} -o -N route show table all | ${COUNT}`)).split('\n').filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const [table, protocol, count] = line.split(' ');
      return [`${table} ${protocol}`, Number(count)];
    }),
  );
}

const NUMBERS: Record<string, string> = { main: '254', local: '255', default: '253' };
const PROTOCOLS: Record<string, string> = {
  kernel: '2',
  boot: '3',
  static: '4',
  ra: '9',
  bird: '12',
  dhcp: '16',
  bgp: '186',
};

function probed(readings: readonly Reading[], family: 'ipv4' | 'ipv6'): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { value, attributes } of samples(readings, 'system.network.route.table.count', family)) {
    const table = String(attributes.table);
    const protocol = String(attributes.protocol);
    counts[`${NUMBERS[table] ?? table} ${PROTOCOLS[protocol] ?? protocol}`] = value;
  }
  return counts;
}

export function samples(readings: readonly Reading[], metric: string, family: 'ipv4' | 'ipv6'): Sample[] {
  return readings.filter((reading): reading is Sample => {
    return reading.kind === 'sample' && reading.metric === metric && reading.attributes['network.type'] === family;
  });
}

function totals(readings: readonly Reading[]): (number | undefined)[] {
  return (['ipv4', 'ipv6'] as const).map((family) => samples(readings, 'system.network.route.count', family)[0]?.value);
}

export function conditions(readings: readonly Reading[]): Condition[] {
  return readings.filter((reading) => reading.kind === 'condition');
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);

/**
 * Both say the same. `nexthops`: how many more next hops than routes IPv6's own counter counts, which has each of a route
 * that is spelled out with several.
 */
export async function same(host: LabHost, nexthops: number): Promise<{ ipv4: number; ipv6: number }> {
  const [ipv4, ipv6] = [await listed(host, 4), await listed(host, 6)];
  const readings = await read(host, 'routes', 'routes-by-protocol');
  assert.deepEqual(probed(readings, 'ipv4'), ipv4);
  assert.deepEqual(probed(readings, 'ipv6'), ipv6);
  assert.deepEqual(totals(readings), [sum(ipv4), sum(ipv6) + nexthops]);
  return { ipv4: sum(ipv4), ipv6: sum(ipv6) };
}
