/**
 * `npm run trials`: each change on trial, with a real collector, into docs/confirm.md. Takes some minutes; needs root.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../compare/table.ts';
import { unavailable } from '../parts/lab/host.ts';
import { outsideText } from '../parts/lab/outside-view.ts';
import { familiesText, TRIAL_CASES, type TrialCase } from '../parts/lab/trial-cases.ts';
import { tryChange, WITHIN } from '../parts/lab/try-change.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { fillRows, writtenBy } from '../parts/written-page.ts';

/** How many hosts at a time: most of the time each waits for the end of its trial. */
const AT_ONCE = 6;
/** Seconds between what the event says and what is seen from outside. More is a fault, and stands out in the table. */
const MOST_APART = 2;
const BEGIN = '<!-- by npm run trials -->\n';
const END = '<!-- end -->\n';

const why = unavailable({ nft: 'nftables', openssl: 'openssl', curl: 'curl' });
if (why !== false) {
  console.log(`No trial: ${why}.`);
  process.exit(1);
}
const rows: string[][] = [];
await fillRows(rows, TRIAL_CASES.entries(), AT_ONCE, row);
const page = join(REPOSITORY, 'docs/confirm.md');
const before = readFileSync(page, 'utf8');
const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)];
if (from < 0 || to < from) throw new Error(`${page} has no place for the table`);
writeFileSync(page, before.slice(0, from + BEGIN.length) + text() + before.slice(to));
console.log('docs/confirm.md is written');

async function row(one: TrialCase): Promise<string[]> {
  const head = [one.what, familiesText(one)];
  const cells = await tryChange(one, { viewed: true }).then(
    ({ seconds, cutOff, outside }) => [
      one.ends === 'put back' ? 'put back, all as before' : `stays, ${one.ends}`,
      seconds.toFixed(1),
      cutOff === null ? 'not by the change' : `${cutOff} s`,
      cutOff !== null && Math.abs(cutOff - outside!) > MOST_APART
        ? `**${outsideText(outside!)}**`
        : outsideText(outside!),
    ],
    (error: Error) => [`**other than it must**: ${error.message.split('\n')[0]}`, '', '', ''],
  );
  return [...head, ...cells];
}

function text(): string {
  const head = ['the change', 'the host has', 'it is', 'decided after, s', 'cut off for', 'seen from outside'];
  return `
Written by ${writtenBy('trials')}, with \`within: ${WITHIN}s\`.

${table(head, rows)}
`;
}
