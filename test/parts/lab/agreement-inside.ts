/**
 * Runs inside a throw-away host, in its network namespace: looks at daemons and kernel once for each line on its standard
 * input. The line is the time since the look before, in milliseconds, so that a minute takes no minute. Prints each look's
 * readings as one line of JSON.
 */
import { createInterface } from 'node:readline';
import { Host } from '../../../agent/host/host.ts';
import { askDaemons } from '../../../probes/route-agreement/claims.ts';
import { Differences } from '../../../probes/route-agreement/differences.ts';
import { routeAgreementProbe } from '../../../probes/route-agreement-probe.ts';
import { RouteCounts } from '../../../probes/route-counts.ts';

let now = 0;
const probe = routeAgreementProbe(new Host(), new RouteCounts(), new Differences(), {
  ask: askDaemons,
  clock: () => now,
});
for await (const line of createInterface(process.stdin)) {
  now += Number(line);
  const readings = await probe.read(AbortSignal.timeout(60_000));
  process.stdout.write(`${JSON.stringify(readings)}\n`);
}
