/** `agent depends --watch TIME ADDRESS`: who sends anything to the address, seen while it happens. */
import { writeInstead } from '../../address/meant-address.ts';
import { show } from '../../config/config-error.ts';
import { durationOf, durationProblem } from '../../config/notation/quantities.ts';
import { canonicalAddress } from '../../depends/found-addresses.ts';
import { askerText } from '../../depends/ledger/ledger-content.ts';
import { type Sender, type WatchedAddress, watchAddress } from '../../depends/watch-address.ts';
import type { CommonOptions } from '../common-options.ts';
import { openHost } from '../context/context.ts';
import { EXIT, paint, print, printError, printJson, reportUsage } from '../output/output.ts';

export interface WatchSendersOptions extends CommonOptions {
  readonly addresses: readonly string[];
  /** A duration: `60s`. */
  readonly watch: string;
}

const LIMITS = { least: '1s', most: '24h' };

/** Returns the exit status: 0 nobody sent anything, 2 somebody did, 4 it could not be seen. */
export async function watchSenders(options: WatchSendersOptions): Promise<number> {
  const [text = ''] = options.addresses;
  const address = canonicalAddress(text);
  const host = openHost(options);
  const problem =
    options.addresses.length !== 1
      ? '--watch takes one address'
      : address === null
        ? `${show(text)} is no IP address; ${writeInstead(text)}`
        : !host.live
          ? 'the running kernel is not that of --root (--live says that it is)'
          : durationProblem(LIMITS)(options.watch);
  if (problem !== undefined || address === null) return reportUsage(`agent depends: ${problem}`, options);
  const seconds = Math.ceil((durationOf(options.watch) as number) / 1000);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => ending.abort());
  const isTold = !options.json && !options.quiet;
  if (isTold) print(`Watching for ${seconds} s who sends anything to ${address}.`);
  const watched = await watchAddress(host, {
    address,
    seconds,
    signal: ending.signal,
    ...(isTold ? { onSender: (one: Sender) => print(`  ${paint('red', '✗')} ${senderText(one)}`) } : {}),
  });
  const found = watched.senders.length + watched.counted.length > 0;
  if (options.json) printJson({ address, seconds, found, ...watched });
  else if (options.quiet) printError(sentence(address, watched));
  else tell(address, watched);
  if (found) return EXIT.changed;
  return watched.uncounted === null ? EXIT.ok : EXIT.failed;
}

function tell(address: string, watched: WatchedAddress): void {
  const { counted, blind, uncounted, unitless } = watched;
  if (counted.length > 0) print('\nPackets by unit and user:');
  for (const one of counted) print(`  ${String(one.packets).padStart(6)}  ${askerText(one)}`);
  const missing = [
    ...(blind === null ? [] : [`Programs could not be seen while they sent: ${blind}. Their units were counted.`]),
    ...(uncounted === null ? [] : [`Units could not be counted: ${uncounted}.`]),
    ...(unitless === null ? [] : [`Only users are known, and no units: ${unitless}.`]),
  ];
  for (const line of missing) print(paint('yellow', line));
  print(`\n${sentence(address, watched)}`);
}

function sentence(address: string, { senders, counted, uncounted }: WatchedAddress): string {
  const units = counted.map(askerText);
  if (units.length > 0) return `${units.join(', ')} sent something to ${address}.`;
  if (senders.length > 0) return `${senders.map(senderText).join(', ')} sent something to ${address}, or may.`;
  return uncounted === null ? `Nobody sent anything to ${address}.` : `Unknown who sends to ${address}: ${uncounted}.`;
}

function senderText({ program, pid, unit, user, command, protocol }: Sender): string {
  const ended = pid === null ? ', ended' : '';
  const owner = [unit, user === null ? null : `user ${user}`].filter((one) => one !== null).join(', ');
  return `${program}${pid === null ? '' : `[${pid}]`}${owner === '' ? '' : ` of ${owner}`} (${protocol}${ended})${command === null ? '' : `: ${command}`}`;
}
