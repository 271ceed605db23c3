/** `agent rehearse without ADDRESS`: rejects what this host sends to the address for a while, and says who suffers. */
import type { ConfiguredState } from '../config/desired.ts';
import { checkRetired } from '../config/notation/addresses.ts';
import { durationOf, durationProblem } from '../config/notation/quantities.ts';
import { askerText, type LedgerEntry } from '../depends/ledger/ledger-content.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { refusals } from '../rehearse/without/refusal.ts';
import { doWithout, type LookUps, type ScreamTest } from '../rehearse/without/scream-test.ts';
import { terminals } from '../rehearse/without/terminals.ts';
import { effectiveValues } from '../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { CommonOptions } from './common-options.ts';
import { openContext, refuseOtherNetwork } from './context/context.ts';
import { EXIT, paint, print, printError, printJson, reportUsage } from './output/output.ts';

export interface RehearseWithoutOptions extends CommonOptions {
  readonly address: string;
  /** A duration: `60s`. */
  readonly for: string;
  /** A name to look up meanwhile. */
  readonly name?: string;
  readonly force?: boolean;
}

const LIMITS = { least: '1s', most: '1h' };

/** Returns the exit status: 2 if anybody suffered, 4 if it cannot be rehearsed or did not last as long as asked. */
export async function rehearseWithout(options: RehearseWithoutOptions): Promise<number> {
  const checked = checkRetired(options.address);
  const wrong = 'problem' in checked ? checked.problem : durationProblem(LIMITS)(options.for);
  if (wrong !== undefined || 'problem' in checked) return reportUsage(`agent rehearse without: ${wrong}`, options);
  const address = checked.value;
  const seconds = Math.ceil((durationOf(options.for) as number) / 1000);
  const { host, desired, daemon } = await openContext(options, { optional: true });
  refuseOtherNetwork(host);
  const ways = { endpoint: daemon.report.endpoint, terminals: terminals() };
  const reasons = options.force ? [] : await refusals(host, address, ways);
  if (reasons.length > 0)
    throw new HostError('EREFUSED', `${reasons.join(', and ')}. Nothing was done; --force rehearses all the same`);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => ending.abort());
  const isTold = !options.json && !options.quiet;
  const result = await doWithout(host, {
    address,
    seconds,
    name: options.name ?? nameToLookUp(host, desired),
    signal: ending.signal,
    ...(isTold ? toldMeanwhile(address, seconds) : {}),
  });
  const suffered = result.sufferers.length > 0 || result.lookUps?.suffered === true;
  if (options.json) printJson({ address, seconds, suffered, ...result, sufferers: result.sufferers.map(toJson) });
  else if (options.quiet) printError(sentence(address, result, suffered));
  else tell(address, result, suffered);
  if (suffered) return EXIT.changed;
  return result.endedEarly === null ? EXIT.ok : EXIT.failed;
}

function toldMeanwhile(address: string, seconds: number) {
  const begun = `Rejecting what this host sends to ${address}, for ${seconds} s. The kernel ends it by itself, whatever happens.`;
  return {
    onBegin: () => print(begun),
    onSufferer: (one: LedgerEntry) => print(`  ${paint('red', '✗')} ${askerText(one)}`),
  };
}

/** The name that proves DNS, or this host's own domain; null if none is configured. */
function nameToLookUp(host: Host, { dns }: ConfiguredState): string | null {
  const text = host.readTextUnlessAstray(RESOLV_CONF) ?? '';
  const [searched] = dns?.search ?? effectiveValues(text, 'search') ?? [];
  const name = dns?.verify?.name ?? dns?.domain ?? searched ?? null;
  return name === '.' ? null : name;
}

function tell(address: string, result: ScreamTest, suffered: boolean): void {
  const { sufferers, lookUps, unitless } = result;
  if (sufferers.length > 0) print('\nWho was rejected, with the packets that they sent:');
  for (const one of sufferers) print(`  ${String(one.packets).padStart(6)}  ${askerText(one)}`);
  if (lookUps !== null) print(`\n${lookUpsText(lookUps)}`);
  if (unitless !== null) print(paint('gray', `Units cannot be told here, only users: ${unitless}`));
  print(`\n${paint(suffered ? 'red' : 'green', sentence(address, result, suffered))}`);
}

function sentence(address: string, { sufferers, lookUps, lasted, endedEarly }: ScreamTest, suffered: boolean): string {
  const time = `for ${lasted} s without ${address}`;
  const many = `${sufferers.length} ${sufferers.length === 1 ? 'program or unit was' : 'programs or units were'} rejected`;
  const who =
    sufferers.length > 0
      ? `${many} ${time}: ${sufferers.map(askerText).join(', ')}.`
      : `Nobody ${suffered ? 'was rejected' : 'suffered'} ${time}.`;
  const names = lookUps?.suffered ? ` Look-ups of ${lookUps.name} failed or were slow.` : '';
  return `${who}${names}${endedEarly === null ? '' : ` It ended early: ${endedEarly}.`}`;
}

function lookUpsText({ name, made, failed, before, slowest }: LookUps): string {
  if (made === 0) return `No look-up of ${name} ended in this time.`;
  const lost = failed === 0 ? 'all found it' : `${failed} found nothing`;
  return `${made} look-ups of ${name}: ${lost}, the slowest took ${slowest} ms (${before} ms before).`;
}

function toJson({ unit, user, packets, last }: LedgerEntry) {
  return { unit, user, packets, last: new Date(last).toISOString() };
}
