/** `agent depends`: who on this host depends on an address, now, at the next lease, at the next boot. Changes nothing. */
import { writeInstead } from '../../address/meant-address.ts';
import { longestKnownLease } from '../../clients/holders.ts';
import { show } from '../../config/config-error.ts';
import { type Dependence, type DependsAnswer, TENSES, type Tense, type Unseen } from '../../depends/dependence.ts';
import { canonicalAddress } from '../../depends/found-addresses.ts';
import { type DependsVerdict, lookAtAll, verdictOf } from '../../depends/look-at-sources.ts';
import { dependsSources } from '../../depends/sources.ts';
import { Surroundings } from '../../depends/surroundings.ts';
import type { CommonOptions } from '../common-options.ts';
import { openHost } from '../context/context.ts';
import { EXIT, paint, print, printError, printJson, reportUsage } from '../output/output.ts';
import { heldHere } from './lease-holding.ts';

export interface DependsOptions extends CommonOptions {
  /** Empty: every address that anything here depends on as a name server. */
  readonly addresses: readonly string[];
}

/** Milliseconds for the whole look. */
const TIME_LIMIT = 60_000;

/** Exit status: 0 nothing depends on it, 2 something does, 4 something could not be seen. */
const STATUS: Readonly<Record<DependsVerdict, number>> = { free: EXIT.ok, depends: EXIT.changed, unknown: EXIT.failed };

export async function depends(options: DependsOptions): Promise<number> {
  const wanted = options.addresses.map((text) => ({ text, address: canonicalAddress(text) }));
  const wrong = wanted.find(({ address }) => address === null);
  if (wrong !== undefined)
    return reportUsage(`${show(wrong.text)} is no IP address; ${writeInstead(wrong.text)}`, options);
  const addresses = wanted.flatMap(({ address }) => address ?? []);
  const host = openHost(options);
  const { problem, ...held } = await heldHere(host, options);
  const around = new Surroundings(host, held);
  const asked = addresses.length === 0 ? null : new Set(addresses);
  const seen = await lookAtAll(dependsSources(around), asked, AbortSignal.timeout(TIME_LIMIT));
  const answer = host.live ? seen : { ...seen, unseen: [...seen.unseen, ...TENSES.flatMap(notLive)] };
  const verdict = verdictOf(answer);
  if (options.json) {
    const longest = await longestKnownLease(host);
    printJson({ addresses: asked === null ? null : addresses, verdict, ...answer, longestLease: longest });
  } else {
    if (problem !== null) printError(`The configuration is not used, so no name server counts as held: ${problem}`);
    if (options.quiet) printError(sentence(answer, addresses));
    else tell(answer, addresses);
  }
  return STATUS[verdict];
}

/** With --root, the running programs are not those of the files. */
function notLive(tense: Tense): Unseen[] {
  if (tense === 'boot') return [];
  return [
    {
      tense,
      source: 'running programs',
      reason: 'the running kernel and its programs were not looked at (--live includes them)',
    },
  ];
}

const TITLES: Readonly<Record<Tense, string>> = {
  now: 'NOW: in force at this moment',
  asked: 'ASKED: programs that really sent something there',
  lease: 'NEXT LEASE: what the next event of a DHCP client brings',
  boot: 'NEXT BOOT: files that are read at the next start',
  holder: 'HOLDERS: running programs that may keep an old list',
};

function tell(answer: DependsAnswer, addresses: readonly string[]): void {
  for (const tense of TENSES) {
    const found = answer.found.filter((one) => one.tense === tense);
    const unseen = answer.unseen.filter((one) => one.tense === tense);
    if (found.length === 0 && unseen.length === 0) continue;
    print(paint('bold', TITLES[tense]));
    for (const one of found) tellOne(one, addresses.length !== 1);
    for (const { source, reason } of unseen) print(`  ${paint('yellow', '?')} ${source}: not seen: ${reason}`);
    print('');
  }
  print(sentence(answer, addresses));
}

/** Who, where, why, and what to do. */
function tellOne({ address, who, where, reason, cure }: Dependence, naming: boolean): void {
  print(`  ${paint('red', '✗')} ${naming ? `${address}: ` : ''}${paint('bold', who)}`);
  print(`      where  ${where}`);
  print(`      why    ${reason}`);
  print(`      do     ${cure}`);
}

function sentence({ found, unseen }: DependsAnswer, addresses: readonly string[]): string {
  const what = addresses.length === 0 ? 'any name server' : addresses.join(' or ');
  const also = unseen.length === 0 ? '' : `; ${count(unseen.length, 'place')} could not be seen`;
  if (found.length > 0) {
    const tenses = TENSES.filter((tense) => found.some((one) => one.tense === tense)).map((tense) => WHEN[tense]);
    const named = addresses.length === 0 ? [...new Set(found.map(({ address }) => address))].join(', ') : what;
    return `This host depends on ${named}: ${count(found.length, 'dependence')} (${tenses.join(', ')})${also}.`;
  }
  if (unseen.length > 0) return `Unknown whether this host depends on ${what}: nothing was found${also}.`;
  return `Nothing on this host depends on ${what}.`;
}

const WHEN: Readonly<Record<Tense, string>> = {
  now: 'now',
  asked: 'asked lately',
  lease: 'at the next lease',
  boot: 'at the next boot',
  holder: 'in running programs',
};

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
