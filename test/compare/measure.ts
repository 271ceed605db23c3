/** One way of making the change, on one host, from before it until after its next start: a row of the table. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Pings, Watch } from '../parts/lab/watch.ts';
import { watchFile, watchPings } from '../parts/lab/watch.ts';
import { ADDRESS, judge, NAME } from './change.ts';
import { type LookUps, watchLookUps } from './look-ups.ts';
import { BEYOND, type Subject } from './subject.ts';
import type { Way } from './ways.ts';

/** By then a renewal's script has ended, and the next one has not begun. */
const SETTLED_MS = 400;
/** How long a host without its old servers is looked at. */
const DEAD_MS = 5_000;

/** What was seen in a stretch of time. */
export interface Stretch {
  readonly lookUps: LookUps;
  readonly pings: Pings;
}

export interface Renewals extends Stretch {
  readonly count: number;
  /** How long resolv.conf named other servers than the new ones, ms. */
  readonly wrongMs: number;
  /** How long it was empty or was not there, ms. */
  readonly emptyMs: number;
}

export interface Row {
  readonly way: Pick<Way, 'tool' | 'variant' | 'client'>;
  /** How long the tool took, s. */
  readonly seconds: number;
  /** The tool, from its start to its end. */
  readonly change: Stretch;
  /** The state of resolv.conf at that time: see `judge`. */
  readonly changed: string;
  readonly renewals: Renewals;
  readonly renewed: string;
  /** The old servers are shut down. */
  readonly dead: LookUps;
  readonly restarted: string;
  /** Whether one look-up at that time succeeded. */
  readonly found: boolean;
}

/** @param renewals how many. Throws if the tool fails, or if a renewal came before its end. */
export async function measure(subject: Subject, way: Way, renewals: number): Promise<Row> {
  const { system } = subject;
  for (const [file, text] of Object.entries(way.files())) await system.write(file, text);

  const changing = await watchHost(subject);
  await subject.begin();
  const start = performance.now();
  await system.sh(way.script);
  const seconds = (performance.now() - start) / 1e3;
  const change = await changing.stop();
  const changed = await now(subject);
  if (!way.restarts && subject.disturbed()) throw new Error('a renewal came before the change was made');

  const { file: path, wanted } = subject.resolvConf;
  const file = await watchFile(system, path, { content: wanted, keyword: 'nameserver' });
  const renewing = await watchHost(subject);
  await subject.renewals(renewals);
  const { wrongMs, emptyMs, absentMs } = await file.stop();
  const stretch = await renewing.stop();
  await subject.renewals(0);
  await pause(SETTLED_MS);
  const renewed = await now(subject);

  await subject.shutOldServers();
  const looking = await watchLookUps(system, NAME, ADDRESS);
  await pause(DEAD_MS);
  const dead = await looking.stop();

  await subject.restart();
  const restarted = await now(subject);
  const found = await system.run(['timeout', '10', 'getent', 'ahostsv4', NAME]);
  return {
    way: { tool: way.tool, variant: way.variant, client: way.client },
    seconds,
    change,
    changed,
    renewals: { ...stretch, count: renewals, wrongMs, emptyMs: emptyMs + absentMs },
    renewed,
    dead,
    restarted,
    found: found.stdout.startsWith(`${ADDRESS} `),
  };
}

async function now({ system, resolvConf: { file, wanted } }: Subject): Promise<string> {
  let text = await system.read(file);
  // dhclient-script empties it for a moment: that is the poller's to tell.
  for (let n = 0; n < 5 && text === ''; n++) {
    await pause(50);
    text = await system.read(file);
  }
  return judge(text, wanted);
}

async function watchHost({ system }: Subject): Promise<Watch<Stretch>> {
  const pings = await watchPings(system, BEYOND, 'host');
  const lookUps = await watchLookUps(system, NAME, ADDRESS);
  return {
    async stop() {
      const [lookedUp, pinged] = await Promise.all([lookUps.stop(), pings.stop()]);
      return { lookUps: lookedUp, pings: pinged };
    },
  };
}
