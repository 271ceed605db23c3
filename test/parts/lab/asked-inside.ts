/**
 * Reads the probe `asked` as the daemon has it, once for each line of standard input, and prints each reading as a line
 * of JSON. The probe hears of control groups from the first reading on.
 */
import { createInterface } from 'node:readline';
import { Host } from '../../../agent/host/host.ts';
import { askedProbe } from '../../../probes/asked-probe.ts';
import type { Reading } from '../../../probes/probe.ts';

const probe = askedProbe(new Host(), { lasting: true });
for await (const _ of createInterface({ input: process.stdin })) {
  const readings = await probe.read(AbortSignal.timeout(10_000));
  const of = (kind: Reading['kind']) => readings.filter((one) => one.kind === kind);
  console.log(JSON.stringify({ success: true, error: null, samples: of('sample'), conditions: of('condition') }));
}
await probe.close?.();
