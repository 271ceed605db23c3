/**
 * Tells the collector which name servers this host depends on: at the start, when that changes, and every six hours. A
 * process of its own looks, because the look reads the files of every container, and would keep the daemon from its work.
 */
import { CLIENTS } from '../../clients/clients.ts';
import { type Dependence, TENSES, type Tense, type ToldDependences, type Unseen } from '../../depends/dependence.ts';
import { bodyOf } from '../../depends/dependences-event.ts';
import { extended, loadHistory, type SeenList, saveHistory } from '../../depends/holders/server-history.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { isConfined } from '../../restart/by-systemd.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';
import { type Watcher, watchFiles } from '../files/watcher.ts';

/** Milliseconds. */
const EVERY = 300_000;
const AGAIN = 6 * 3_600_000;
const TIME_LIMIT = 90_000;
/** Milliseconds after a changed file: a DHCP client writes several files at one event. */
const SETTLED = 2_000;
/** Milliseconds between two looks, however often the files change. */
const PAUSE = 30_000;
/** Bytes of the command's output. */
const LARGEST_OUTPUT = 16 * 1024 * 1024;

const UNIT = 'holdfast-depends';

/**
 * The sandbox of the service hides the files of other programs. systemd runs the look in a sandbox of its own, which may
 * trace other processes and change nothing. The unit's fixed name keeps a second look from joining one that hangs.
 */
const TRANSIENT = [
  ...['systemd-run', '--quiet', '--wait', '--pipe', '--collect', '--no-ask-password', `--unit=${UNIT}`],
  ...[
    'CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_NET_ADMIN',
    'ProtectSystem=strict',
    'ReadWritePaths=-/run/holdfast -/var/lib/holdfast',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'NoNewPrivileges=yes',
    'RestrictNamespaces=yes',
    'RestrictAddressFamilies=AF_UNIX AF_NETLINK',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged @debug process_vm_writev',
    'SystemCallErrorNumber=EPERM',
    'MemoryMax=256M',
    `RuntimeMaxSec=${TIME_LIMIT / 1000}`,
    'Nice=10',
    // The journal need not have two lines for each look.
    'LogLevelMax=notice',
  ].map((property) => `--property=${property}`),
  '--',
];

/** Files and folders that the next event of a DHCP client changes. */
const WATCHED = [RESOLV_CONF, ...CLIENTS.flatMap(({ leaseFiles }) => leaseFiles)];

/** Who asked is told with each heartbeat, by the ledger. */
const TOLD_TENSES: readonly Tense[] = TENSES.filter((tense) => tense !== 'asked');

type Told = Omit<ToldDependences, 'cut'>;

export class DependsWatch {
  readonly #host: Host;
  readonly #command: readonly string[];
  readonly #log: Tell;
  readonly #send: Tell;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #watcher: Watcher | null = null;
  #looking = false;
  /** By performance.now(). */
  #lastLook = Number.NEGATIVE_INFINITY;
  #lastTold = Number.NEGATIVE_INFINITY;
  #told = '';

  /** `command`: a program with its arguments that prints the answer of `agent depends --json`. */
  constructor(host: Host, command: readonly string[], { log, send }: { log: Tell; send: Tell }) {
    this.#host = host;
    this.#command = command;
    this.#log = log;
    this.#send = send;
  }

  start(): void {
    const changed = (path: string) => {
      if (path === RESOLV_CONF || WATCHED.some((one) => path.startsWith(one.slice(0, -1)))) this.#plan(SETTLED);
    };
    this.#watcher = watchFiles(
      WATCHED.map((path) => this.#host.locate(path)),
      changed,
      () => {}, // the look every five minutes sees the change
    );
    void this.look();
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  /** Never throws. */
  async look(): Promise<void> {
    // A look that a file system never answers cannot even be killed. No second one joins it.
    if (this.#looking) return;
    this.#looking = true;
    this.#lastLook = performance.now();
    this.#plan(EVERY);
    const answer = this.#ask().finally(() => {
      this.#looking = false;
    });
    const told = await Promise.race([answer, this.#tooLate()]);
    if (this.#ended.signal.aborted) return;
    this.#remember(told);
    const sign = fingerprint(told);
    if (sign === this.#told && performance.now() - this.#lastTold < AGAIN) return;
    this.#told = sign;
    this.#lastTold = performance.now();
    const event = occurrence(EVENTS.dependences, 'info', bodyOf(told));
    this.#send(event);
    this.#log({ ...event, body: summary(told) });
  }

  /** Milliseconds. An earlier plan is replaced. */
  #plan(wait: number): void {
    if (this.#ended.signal.aborted) return;
    clearTimeout(this.#timer);
    const pause = this.#lastLook + PAUSE - performance.now();
    this.#timer = setTimeout(() => void this.look(), Math.max(wait, pause));
    this.#timer.unref();
  }

  async #ask(): Promise<Told> {
    const confined = isConfined(this.#host);
    const first = await this.#run(confined ? [...TRANSIENT, ...this.#command] : this.#command);
    // Without systemd's help, a look from inside the sandbox sees a part, and says what it does not see.
    const refused = confined && /^Failed to /m.test(first.stderr) && !first.stderr.includes(UNIT);
    const { stdout, stderr, error } = refused ? await this.#run(this.#command) : first;
    return readIn(stdout) ?? nothingSeen(`\`agent depends\` failed: ${error ?? stderr.trim().slice(0, 200)}`);
  }

  #run([program = '', ...args]: readonly string[]) {
    const options = { timeLimit: TIME_LIMIT, maxBuffer: LARGEST_OUTPUT, signal: this.#ended.signal };
    return this.#host.runBeside(program, args, options);
  }

  #tooLate(): Promise<Told> {
    return new Promise((resolve) => {
      const late = nothingSeen(`\`agent depends\` did not end within ${TIME_LIMIT / 1000} s`);
      setTimeout(() => resolve(late), TIME_LIMIT + 5_000).unref();
    });
  }

  /** Notes which file names which servers, so that a program that started today is known to hold today's list. */
  #remember({ found, unseen }: Told): void {
    const history = loadHistory(this.#host);
    // A file that is moved into place keeps its own mtime.
    const changed = (file: string) => nullIfRefused(() => this.#host.stat(file)?.ctimeMs) ?? 0;
    // A source that names no server any more has an empty list.
    const seen: Record<string, SeenList> = {};
    for (const source of Object.keys(history)) seen[source] = { addresses: [], changed: 0 };
    seen['resolv.conf'] = { addresses: [], changed: changed(RESOLV_CONF) };
    for (const { source, tense, where, address } of found) {
      const file = /^(\/(?!proc\/).*):\d+$/.exec(where)?.[1];
      if (tense !== 'now' || file === undefined) continue;
      const known = seen[source] ?? { addresses: [], changed: 0 };
      seen[source] = { addresses: [...known.addresses, address], changed: Math.max(known.changed, changed(file)) };
    }
    for (const { source, tense } of unseen) {
      // If a container's resolv.conf could not be read, the host's own still could.
      const wasRead = source === 'resolv.conf' && (seen[source]?.addresses ?? []).length > 0;
      if (tense === 'now' && !wasRead) delete seen[source];
    }
    nullIfRefused(() => saveHistory(this.#host, extended(history, seen, Date.now())));
  }
}

function nothingSeen(reason: string): Told {
  const unseen = TOLD_TENSES.map((tense) => ({ tense, source: 'agent depends', reason }));
  return { found: [], unseen, longestLease: null };
}

/** null if the text is no answer of `agent depends --json`. */
function readIn(json: string): Told | null {
  try {
    const { found, unseen, longestLease = null } = JSON.parse(json) as Partial<Told>;
    if (!Array.isArray(found) || !Array.isArray(unseen)) return null;
    const isTold = ({ tense }: Dependence | Unseen) => TOLD_TENSES.includes(tense);
    return { found: found.filter(isTold), unseen: unseen.filter(isTold), longestLease };
  } catch {
    return null;
  }
}

/** What counts as a change. Process ids and numbers of programs come and go without one. */
function fingerprint({ found, unseen, longestLease }: Told): string {
  const place = (text: string) => text.replace(/\/proc\/\d+|\[\d+\]/g, '');
  const key = ({ address, tense, source, where }: Dependence) => `${address} ${tense} ${source} ${place(where)}`;
  const missing = ({ tense, source }: Unseen) => `${tense} ${source}`;
  return JSON.stringify([[...new Set(found.map(key))].sort(), [...new Set(unseen.map(missing))].sort(), longestLease]);
}

function summary({ found, unseen }: Told): string {
  const servers = new Set(found.map(({ address }) => address));
  const missing = unseen.length === 0 ? '' : `; ${unseen.length} places could not be seen`;
  return `this host depends on ${servers.size} name servers in ${found.length} ways${missing} (agent depends lists them)`;
}
