/**
 * Runs inside a throw-away host, and asks its witnesses about a trial. Waits for a line of input, which says that the change
 * was made, and asks them until there is a judgement. Its only argument is a ConfirmAsking as JSON.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { makeConfirmWitnesses } from '../../../agent/confirm/witnesses/confirm-witnesses.ts';
import { Host } from '../../../agent/host/host.ts';
import { askOnce, askUntilJudged } from '../confirm-asking.ts';
import type { ConfirmAsking } from './confirm-scene.ts';

const { desired, confirm, report, path } = JSON.parse(process.argv[2]!) as ConfirmAsking;
const witnesses = makeConfirmWitnesses(new Host(), desired, confirm, { report, hostId: 'id-of-lab' });
const before = await askOnce(witnesses);
console.log(`before ${JSON.stringify(before)}`);
await once(createInterface(process.stdin), 'line');
const touches = { path, names: true, by: confirm.by };
const asking = { witnesses, before, touches, within: confirm.within };
console.log(`judged ${JSON.stringify(await askUntilJudged(asking))}`);
process.exit(0);
