/**
 * May an address be switched off? A pure function of what is known of each host.
 *
 * `safe` needs a proof for every host: it reports, it told all its dependences and none is on the address, and its
 * ledger watched for long enough and saw no program that asked the address. A host without this proof makes the verdict
 * `unknown`, never `safe`. A dependence makes it `not-safe`, whatever else is unknown.
 */
import { TENSES, type Tense } from '../../depends/dependence.ts';
import type { Dependent, HostDependence, LastAsked, RetireFacts, Standing, UnseenHost } from '../api.ts';
import type { Asked } from '../dependences/asked.ts';
import type { Told } from '../dependences/told.ts';
import { compareNames } from '../name-order.ts';
import { durationInWords, plural, some } from '../words.ts';

/** What is known of one host. Times are milliseconds since the epoch by our clock. */
export interface KnownHost {
  /** The id in the API, or the expected name of a host that is unknown. */
  readonly id: string;
  readonly name: string;
  readonly standing: Standing;
  /** When it was heard last; 0 if never. */
  readonly seen: number;
  readonly told: Told | null;
  /** Why its last dependences could not be read; '' if they could. */
  readonly toldProblem: string;
  /** Why what is known may not be the host's own, in a sentence; '' if it is. */
  readonly doubt: string;
  readonly asked: Iterable<Asked>;
  /** Askers until this time were dropped; 0 if none was. */
  readonly askedLost: number;
  /** Since when its ledger counts who asks this server; null if it does not. */
  watchedSince(server: string): number | null;
}

export interface RetireVerdict extends RetireFacts {
  readonly dependents: readonly Dependent[];
  readonly unseen: readonly UnseenHost[];
}

export interface RetireQuestion {
  /** In the form of `addressValue`. */
  readonly address: string;
  readonly now: number;
  /** All known and all expected hosts. Reads them twice. */
  readonly hosts: Iterable<KnownHost>;
  /** Troubles of the collector itself, each a sentence: while it has one, nothing is safe. */
  readonly troubles: readonly string[];
  /**
   * When the collector began with an empty database, in milliseconds since the epoch: it does not know hosts that were
   * heard only before. null if an operator said which hosts exist.
   */
  readonly begun: number | null;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A longer lease counts as this long: no client should wait a fortnight, and one host must not stop the fleet. */
export const LONGEST_LEASE = 7 * DAY;
export const LONGEST_WINDOW = 2 * LONGEST_LEASE;
/** Dependences are told every 6 h: two tellings are missing. */
export const STALE = 13 * HOUR;

export function retireVerdict({ address, now, hosts, troubles, begun }: RetireQuestion): RetireVerdict {
  const longestLease = longestOf(hosts);
  const window = Math.max(DAY, 2 * (longestLease?.time ?? 0));
  const seen = { hosts: 0, dependents: [] as Dependent[], unseen: [] as UnseenHost[] };
  const tenses = Object.fromEntries(TENSES.map((tense) => [tense, 0])) as Record<Tense, number>;
  let lastAsked: LastAsked | null = null;
  /** When the last of the things ends that only need time. */
  let wait = begun === null ? 0 : begun + window;
  /** Whether more than time is missing. */
  let other = false;
  for (const host of hosts) {
    seen.hosts += 1;
    const { id, name, standing, seen: heard } = host;
    const known = { id, name, standing, seen: heard };
    const asks: Asked[] = [];
    for (const asked of host.asked) {
      if (asked.server !== address) continue;
      const { last: time, unit, user } = asked;
      if (time > (lastAsked?.time ?? 0)) lastAsked = { time, id, name, unit, user };
      if (now - time >= window) continue;
      asks.push(asked);
      wait = Math.max(wait, time + window);
    }
    const files = host.told?.found.filter((one) => one.address === address) ?? [];
    if (files.length + asks.length > 0) {
      seen.dependents.push(dependent(known, files, asks, now));
      for (const tense of TENSES) {
        if (files.some((one) => one.tense === tense) || (tense === 'asked' && asks.length > 0)) tenses[tense] += 1;
      }
    }
    const { reasons, until } = unseenOf(host, address, window, now);
    if (until > now) wait = Math.max(wait, until);
    if (files.length > 0 || reasons.length > 0) other = true;
    else if (until > now) reasons.push(youngSentence(until - window, window, now));
    if (reasons.length > 0) seen.unseen.push({ ...known, reasons });
  }
  for (const list of [seen.dependents, seen.unseen]) list.sort((a, b) => compareNames(a.name, b.name));
  const blocked = other || troubles.length > 0 || seen.hosts === 0;
  const safeAt = !blocked && wait > now ? wait : null;
  const verdict: RetireVerdict['verdict'] =
    seen.dependents.length > 0 ? 'not-safe' : blocked || wait > now ? 'unknown' : 'safe';
  const facts = { address, verdict, ...seen, tenses, lastAsked, window, longestLease, safeAt };
  return { ...facts, sentence: sentenceOf(facts, troubles, begun, now) };
}

/** The dependences are made when they are read, because an answer shows only some of the hosts of a large fleet. */
function dependent(
  known: Omit<Dependent, 'dependences'>,
  files: readonly HostDependence[],
  asks: readonly Asked[],
  now: number,
): Dependent {
  return {
    ...known,
    get dependences() {
      return inOrder([...files, ...asks.map((asked) => askedDependence(asked, now))]);
    },
  };
}

function longestOf(hosts: Iterable<KnownHost>): RetireVerdict['longestLease'] {
  let longest: RetireVerdict['longestLease'] = null;
  for (const { id, name, told } of hosts) {
    if (told?.longestLease == null) continue;
    const time = Math.min(told.longestLease * 1_000, LONGEST_LEASE);
    if (longest === null || time > longest.time) longest = { time, id, name };
  }
  return longest;
}

/** A program that asked the address within the window. */
function askedDependence({ unit, user, last }: Asked, now: number): HostDependence {
  const who = [unit, user === '' ? '' : `user ${user}`].filter((part) => part !== '').join(', ');
  return {
    tense: 'asked',
    source: 'ledger',
    who: who === '' ? 'an unknown program' : who,
    where: '',
    reason: `It asked this server ${durationInWords(now - last)} ago.`,
    cure: 'Point it at another server, or restart it if its configuration already does.',
  };
}

/** What could not be seen of a host. `until`: when its ledger has watched for long enough; 0 if it does not watch. */
function unseenOf(host: KnownHost, address: string, window: number, now: number): { reasons: string[]; until: number } {
  const { standing, seen, told, toldProblem, doubt, askedLost } = host;
  if (standing === 'never') return { reasons: ['It is expected, and it has never reported.'], until: 0 };
  if (standing === 'lost')
    return { reasons: [`It last reported ${durationInWords(now - seen)} ago, so it was forgotten.`], until: 0 };
  const reasons: string[] = [];
  if (standing === 'silent') reasons.push(`It is silent: it last reported ${durationInWords(now - seen)} ago.`);
  if (doubt !== '') reasons.push(doubt);
  if (told === null) {
    reasons.push(
      toldProblem === ''
        ? 'It has not told what it depends on: its agent is too old, or has only just started.'
        : `What it told of its dependences was refused: ${toldProblem}.`,
    );
  } else {
    if (now - told.arrived > STALE)
      reasons.push(`It last told its dependences ${durationInWords(now - told.arrived)} ago.`);
    if (told.cut > 0) reasons.push(`It left out ${plural(told.cut, 'dependence')}: there are too many for one report.`);
    for (const { source, reason } of told.unseen) reasons.push(`${source}: ${reason}`);
  }
  const since = host.watchedSince(address);
  if (since === null)
    reasons.push(
      `Nobody counts which programs there ask it: write "retire: [${address}]" into that host's configuration.`,
    );
  if (askedLost > now - window) reasons.push('It asked so many servers that the oldest were dropped here.');
  return { reasons, until: since === null ? 0 : since + window };
}

function youngSentence(since: number, window: number, now: number): string {
  const watched = durationInWords(Math.max(0, now - since));
  return `It has counted who asks it only for ${watched}; ${durationInWords(window)} are needed.`;
}

/** The dependences as an operator reads them: the most certain first, and without the address. */
function inOrder(all: readonly HostDependence[]): HostDependence[] {
  const rank = ({ tense }: HostDependence) => TENSES.indexOf(tense);
  const sorted = all.toSorted((a, b) => rank(a) - rank(b));
  return sorted.map(({ tense, source, who, where, reason, cure }) => ({ tense, source, who, where, reason, cure }));
}

const TENSE_WORDS: Readonly<Record<Tense, string>> = {
  now: 'now',
  asked: 'by asking it',
  lease: 'at the next lease',
  boot: 'at the next boot',
  holder: 'by a program that may hold an old list',
};

function sentenceOf(
  facts: Omit<RetireVerdict, 'sentence'>,
  troubles: readonly string[],
  begun: number | null,
  now: number,
): string {
  const { address, verdict, hosts, dependents, tenses, unseen, lastAsked, window, safeAt } = facts;
  const names = some(unseen.map(({ name }) => name));
  const cannot = `${plural(unseen.length, 'host')} could not be seen (${names})`;
  const waits = safeAt === null ? '' : durationInWords(safeAt - now);
  if (verdict === 'safe') {
    const quiet =
      lastAsked === null
        ? `nobody asked it for at least ${durationInWords(window)}`
        : `nobody asked it for ${durationInWords(now - lastAsked.time)} (${durationInWords(window)} are needed)`;
    return `Safe: none of ${plural(hosts, 'host')} depends on ${address}, and ${quiet}.`;
  }
  if (verdict === 'not-safe' && safeAt !== null && lastAsked !== null) {
    const who = `${lastAsked.unit || lastAsked.user || 'a program'} on ${lastAsked.name}`;
    const ago = durationInWords(now - lastAsked.time);
    return `Not safe yet: ${who} asked ${address} ${ago} ago. It is safe in ${waits} if nobody asks it until then.`;
  }
  if (verdict === 'not-safe') {
    const how = TENSES.flatMap((tense) => (tenses[tense] > 0 ? [`${tenses[tense]} ${TENSE_WORDS[tense]}`] : []));
    const many = `${dependents.length} of ${plural(hosts, 'host')} ${dependents.length === 1 ? 'depends' : 'depend'}`;
    const rest = unseen.length > 0 ? `, and ${cannot}` : '';
    return `Not safe: ${many} on ${address} (${how.join(', ')})${rest}.`;
  }
  if (hosts === 0) return 'Unknown: no host has reported.';
  if (troubles.length > 0) return `Unknown: something is wrong with this collector: ${troubles[0]}`;
  if (safeAt !== null && begun !== null && now - begun < window) {
    return `Unknown for ${waits} more: nothing depends on ${address}, but this collector began only ${durationInWords(now - begun)} ago and may not know every host. Give it the list of your hosts (agent collector --expect FILE), or wait.`;
  }
  if (safeAt !== null) {
    return `Unknown for ${waits} more: nothing depends on ${address}, but ${plural(unseen.length, 'host')} (${names}) ${unseen.length === 1 ? 'has' : 'have'} not yet counted for ${durationInWords(window)} who asks it.`;
  }
  return `Unknown: nothing that could be seen depends on ${address}, but ${cannot}.`;
}
