/**
 * Runs inside a throw-away host, in its network namespace: reads the probes of the routing tables that its arguments name
 * and prints their readings as one line of JSON.
 */
import { Host } from '../../../agent/host/host.ts';
import { canaryProbe } from '../../../probes/canary-probe.ts';
import { defaultRoutesProbe } from '../../../probes/default-routes-probe.ts';
import type { Probe } from '../../../probes/probe.ts';
import { routesByProtocolProbe } from '../../../probes/routes-by-protocol-probe.ts';
import { routesProbe } from '../../../probes/routes-probe.ts';

const host = new Host();
const probes: Record<string, () => Probe> = {
  routes: () => routesProbe(host),
  'routes-by-protocol': () => routesByProtocolProbe(),
  'default-routes': () => defaultRoutesProbe(host, 2),
  canary: () => canaryProbe(host),
};

const readings = [];
for (const name of process.argv.slice(2)) readings.push(...(await probes[name]!().read(AbortSignal.timeout(60_000))));
process.stdout.write(JSON.stringify(readings));
