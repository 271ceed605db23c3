/** `agent collector`: the embedded collector, until SIGTERM or SIGINT. */
import { startCollector } from '../../collector/start-collector.ts';
import { OperatorFiles } from '../../daemon/files/operator-files.ts';
import { secretFile } from '../../host/service/secret-files.ts';
import { VERSION } from '../context/version.ts';
import { EXIT, print, printError } from '../output/output.ts';

export interface CollectorCommandOptions {
  readonly listen: string;
  readonly data: string;
  readonly keep: string;
  readonly maxSize: string;
  /** The next five options: a path, or `credential:NAME`. */
  tokenFile?: string;
  writeTokenFile?: string;
  certificate?: string;
  key?: string;
  clientCa?: string;
  readonly expect?: string;
  readonly waves?: string;
  readonly wavesStopAfter?: string;
}

const DURATIONS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Returns the exit status after the collector has ended. */
export async function collector({
  keep,
  maxSize,
  wavesStopAfter,
  ...options
}: CollectorCommandOptions): Promise<number> {
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
  // Reports contain hosts' logs, so only our user may read the files, whatever the folder's mode is.
  process.umask(0o077);
  try {
    for (const name of ['tokenFile', 'writeTokenFile', 'certificate', 'key', 'clientCa'] as const) {
      const named = options[name];
      if (named !== undefined) options[name] = secretFile(named);
    }
    const running = await startCollector({
      ...options,
      keep: amount(keep, DURATIONS, '--keep', '14d'),
      maxSize: amount(maxSize, SIZES, '--max-size', '10GiB'),
      stopAfter: wavesStopAfter === undefined ? undefined : wholeNumber(wavesStopAfter, '--waves-stop-after'),
      version: VERSION,
      log: printError,
    });
    const files = new OperatorFiles(() => running.readExpected());
    if (options.expect !== undefined) void files.follow([options.expect], []);
    print(`collector listens on ${running.url}`);
    await ended;
    files.close();
    await running.close();
    return EXIT.ok;
  } catch (error) {
    printError((error as Error).message);
    return EXIT.usage;
  }
}

/** Throws if the text is not a whole number from 1. */
function wholeNumber(text: string, option: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`${option} ${text}: not a whole number of hosts from 1`);
  return Number(text);
}

/** The value of a number with a unit. Throws if the text is not a number with a unit. */
function amount(text: string, units: Readonly<Record<string, number>>, option: string, example: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([A-Za-z]+)$/.exec(text) ?? [];
  const scale = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (scale === undefined || Number(number) === 0)
    throw new Error(
      `${option} ${text}: not a number with a unit (${Object.keys(units).join(', ')}); write it like ${example}`,
    );
  return Number(number) * scale;
}
