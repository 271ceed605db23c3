/** Runs inside a throw-away host: one egress probe, read at each line of standard input; its readings as a line of JSON. */
import { createInterface } from 'node:readline';
import { Host } from '../../../agent/host/host.ts';
import { egressProbe } from '../../../probes/egress-probe.ts';

const probe = egressProbe(new Host());
for await (const _ of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await probe.read(AbortSignal.timeout(60_000)))}\n`);
}
await probe.close?.();
