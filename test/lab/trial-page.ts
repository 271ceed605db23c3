/**
 * `npm run trials`: each change on trial, with a real collector, into docs/confirm.md. Takes some minutes; needs root.
 * AGENTS says how many agents try a change at once: with 1,000, nothing else may run on the machine.
 */
import { table } from '../compare/table.ts';
import { ConfirmScene } from '../parts/lab/confirm-scene.ts';
import { AGENTS, FLEET_TRIALS, tryFleet } from '../parts/lab/fleet-trials.ts';
import { unavailable } from '../parts/lab/host.ts';
import { outsideText } from '../parts/lab/outside-view.ts';
import { familiesText, TRIAL_CASES, type TrialCase } from '../parts/lab/trial-cases.ts';
import { tryChange, WITHIN } from '../parts/lab/try-change.ts';
import { fillPage, fillRows, writtenBy } from '../parts/written-page.ts';

/** How many hosts at a time: most of the time each waits for the end of its trial. */
const AT_ONCE = 6;
/** Seconds by which the event and the view from outside may differ. More is a fault, and stands out in the table. */
const MOST_APART = 2;

const why = unavailable({ nft: 'nftables', openssl: 'openssl', curl: 'curl' });
if (why !== false) {
  console.log(`No trial: ${why}.`);
  process.exit(1);
}
const rows: string[][] = [];
await fillRows(rows, TRIAL_CASES.entries(), AT_ONCE, row);
fillPage('confirm.md', 'trials', text(await fleet()));

async function row(one: TrialCase): Promise<string[]> {
  const head = [one.what, familiesText(one)];
  const cells = await tryChange(one, { viewed: true }).then(
    ({ seconds, cutOff, outside }) => [
      one.ends === 'put back' ? 'put back, all as before' : `stays, ${one.ends}`,
      seconds.toFixed(1),
      cutOff === null ? 'not by the change' : `${cutOff} s`,
      agrees(cutOff, outside!) ? outsideText(outside!) : `**${outsideText(outside!)}**`,
    ],
    (error: Error) => [`**other than it must**: ${error.message.split('\n')[0]}`, '', '', ''],
  );
  return [...head, ...cells];
}

/** `cutOff`: as the event says; null if the change stays, which must then cut nobody off. */
function agrees(cutOff: number | null, outside: number): boolean {
  return cutOff === null ? outsideText(outside) === 'not' : Math.abs(cutOff - outside) <= MOST_APART;
}

async function fleet(): Promise<string[][]> {
  await using scene = await ConfirmScene.make(['ipv4']);
  await scene.collector();
  const found: string[][] = [];
  for (const one of FLEET_TRIALS) {
    const { acknowledged, kinds } = await tryFleet(scene, one);
    const counts = [acknowledged, kinds.confirmed, kinds.provisional, kinds['put-back']];
    found.push([one.what, ...counts.map((count = 0) => String(count))]);
    console.log(found.at(-1)!.join(' | '));
  }
  return found;
}

function text(ofFleet: readonly string[][]): string {
  const head = ['the change', 'the host has', 'it is', 'decided after, s', 'cut off for', 'seen from outside'];
  return `
Written by ${writtenBy('trials')}, with \`within: ${WITHIN}s\`.

${table(head, rows)}
The next rows are ${AGENTS} agents of one collector, on one machine. Each has the client code of the agent, and an id of its own.

${table(['the change on all of them', 'acknowledged before', 'confirmed', 'provisional', 'put back'], ofFleet)}
`;
}
