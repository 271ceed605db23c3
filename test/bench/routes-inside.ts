/**
 * Counts the routes of its network namespace by table and protocol, several times in one process as the daemon does, and
 * beside it the C program that is its argument. Prints JSON: milliseconds of each, and the largest resident set in MB.
 */
import { execFileSync } from 'node:child_process';
import { Host } from '../../agent/host/host.ts';
import { countRoutes } from '../../agent/host/netlink/routes/counts.ts';
import type { RouteKey } from '../../agent/host/netlink/routes/route-key.ts';
import { listRoutes } from '../../agent/host/netlink/routes/route-table.ts';
import { NetlinkSocket } from '../../agent/host/netlink/socket.ts';
import { MAIN_TABLE } from '../../agent/host/netlink/table-names.ts';
import { saveMemory } from '../../agent/host/service/v8.ts';
import { routesByProtocolProbe } from '../../probes/routes-by-protocol-probe.ts';
import { routesProbe } from '../../probes/routes-probe.ts';
import { accepted } from '../parts/accepted.ts';

export interface RoutesMeasured {
  /** The whole C program, started each time. */
  readonly c: number[];
  readonly byProtocol: number[];
  /** CPU time of each such reading, of this process and the kernel on its behalf. */
  readonly cpu: number[];
  readonly totals: number[];
  /** Microseconds of each search for a missing IPv6 route in the list of all routes. */
  readonly seek: number[];
  readonly resident: number;
}

const RUNS = 10;
const MISSING: RouteKey = accepted({ family: 'ipv6', destination: 'fd00:7::/48', table: MAIN_TABLE, metric: 1024 });

saveMemory(); // as the daemon begins

const program = process.argv[2]!;
const measured: RoutesMeasured = { c: [], byProtocol: [], cpu: [], totals: [], seek: [], resident: 0 };
const byProtocol = routesByProtocolProbe();
const totals = routesProbe(new Host());
const read = (probe: typeof totals) => probe.read(AbortSignal.timeout(60_000));
using socket = await NetlinkSocket.open();
const ipv6 = (await countRoutes('ipv6', AbortSignal.timeout(60_000))).reduce((sum, { routes }) => sum + routes, 0);

for (let run = -1; run < RUNS; run += 1) {
  const before = process.cpuUsage();
  const ours = await time(() => read(byProtocol));
  const { user, system } = process.cpuUsage(before);
  const all = await time(() => read(totals));
  const floor = await time(() => execFileSync(program));
  const sought = await time(() => listRoutes(socket, 'ipv6', { keys: [MISSING] }, AbortSignal.timeout(60_000)));
  if (run < 0) continue;
  measured.byProtocol.push(ours);
  measured.cpu.push((user + system) / 1000);
  measured.totals.push(all);
  measured.c.push(floor);
  measured.seek.push((sought * 1000) / ipv6);
}
// 1,024 bytes a unit, whatever the machine's page.
const resident = (process.resourceUsage().maxRSS * 1024) / 1e6;
process.stdout.write(JSON.stringify({ ...measured, resident }));

async function time(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
