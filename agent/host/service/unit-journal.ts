/**
 * Follows the messages of units in systemd's journal. journalctl(1) reads the files, because their format is systemd's
 * own: one process, asleep until the journal grows, which ends with this process.
 */
import { errorMessage } from '../errors.ts';
import { type LastingProgram, type RunResult, runBeside, startProgram } from '../process/run-program.ts';
import { ENTRY_FIELDS, type UnitEntry, unitEntry } from './unit-entries.ts';

/** `history`: the last messages, once. `follow`: those after the cursor, or from now on without a cursor. */
type JournalSpan = 'history' | 'follow';

/** Characters of journalctl's output between two readings. What a unit writes faster waits in the journal. */
const MOST_OUTPUT = 2 * 1024 * 1024;
/** The most characters of an entry. A longer entry is skipped: no message is that long, but a field may occur often. */
const LONGEST_ENTRY = 256 * 1024;
/** The most entries of a look back. */
const MOST_HISTORY = 10_000;
/** Characters of journalctl's own complaint. */
const LONGEST_COMPLAINT = 200;

/** Milliseconds until journalctl is started again: the first wait, doubled each time, and the longest. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
/** Milliseconds after which a journalctl that was started again counts as well. */
const SETTLED = 5_000;
/** Milliseconds after which a journalctl is replaced. An old one was seen to miss rotations (systemd issue 474). */
const RENEWAL = 3_600_000;

const JOURNALCTL = 'journalctl';

export interface UnitJournalOptions {
  readonly span: JournalSpan;
  /**
   * This host's machine-id(5). With it the entries of all boots are read: --follow reads only those of the present boot,
   * which a service in a container may know by another id than journald (agent/host/paths.ts, BOOT_MARK). null if the
   * host has none.
   */
  readonly machine: string | null;
  /** The entry after which to begin; null for none. */
  readonly cursor: string | null;
  /** In milliseconds. */
  readonly clock?: () => number;
  readonly start?: (program: string, args: readonly string[]) => LastingProgram;
  readonly run?: (program: string, args: readonly string[]) => Promise<RunResult>;
}

export class UnitJournal {
  readonly #units: readonly string[];
  readonly #span: JournalSpan;
  readonly #machine: string | null;
  readonly #clock: () => number;
  readonly #start: (program: string, args: readonly string[]) => LastingProgram;
  readonly #run: (program: string, args: readonly string[]) => Promise<RunResult>;
  #child: LastingProgram | null = null;
  /** Settled when the child and its output have ended. */
  #ended: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #retryAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #deaf: string | null = null;
  #cursor: string | null;
  #entries: UnitEntry[] = [];
  /** The beginning of an entry whose end has not come yet, and whether it is too long already. */
  #partial = '';
  #cut = false;
  #left = MOST_OUTPUT;
  #closed = false;

  constructor(units: readonly string[], options: UnitJournalOptions) {
    const { span, machine, cursor, clock = () => performance.now(), start = startProgram, run = runBeside } = options;
    this.#units = units;
    this.#span = span;
    this.#machine = machine;
    this.#cursor = cursor;
    this.#clock = clock;
    this.#start = start;
    this.#run = run;
  }

  /** Why nothing is heard; null if the journal is followed. */
  get deaf(): string | null {
    return this.#deaf;
  }

  /** The entry that was read last; null before the first one. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** The entries since the last call. Starts journalctl if it does not run. Never throws. */
  async read(): Promise<UnitEntry[]> {
    if (this.#closed) return [];
    if (this.#span === 'history') return this.#look();
    const now = this.#clock();
    if (this.#child !== null && now - this.#startedAt >= RENEWAL) await this.#end();
    if (this.#child === null && now >= this.#retryAt) await this.#follow();
    if (this.#child !== null && this.#failures > 0 && this.#clock() - this.#startedAt >= SETTLED) {
      this.#failures = 0;
      this.#deaf = null;
    }
    this.#left = MOST_OUTPUT;
    this.#child?.stdout.resume();
    return this.#take();
  }

  /** Ends journalctl, and waits for its end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  #take(): UnitEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  async #look(): Promise<UnitEntry[]> {
    this.#left = Number.POSITIVE_INFINITY;
    this.#begin([`--lines=${MOST_HISTORY}`]);
    await this.#ended;
    return this.#take();
  }

  async #follow(): Promise<void> {
    this.#cursor ??= await this.#newest();
    if (this.#closed || (this.#deaf !== null && this.#retryAt > this.#clock())) return;
    // Not --after-cursor: before systemd 255 it skips an entry if the cursor's own is not of these units (issue 30288).
    const from = this.#cursor === null ? [] : [`--cursor=${this.#cursor}`];
    // --merge also adds the journals of other machines, which the match leaves out again.
    const everyBoot = this.#machine === null ? [] : ['--merge', `_MACHINE_ID=${this.#machine}`];
    this.#begin(['--follow', '--no-tail', ...from, ...everyBoot]);
  }

  /** The cursor of the newest entry of all units; null if the journal is empty. */
  async #newest(): Promise<string | null> {
    const { status, stdout, stderr, error } = await this.#run(JOURNALCTL, [
      '--lines=1',
      '--output=json',
      '--output-fields=_BOOT_ID',
    ]);
    if (status !== 0) this.#fail(error ?? ending(status, null, stderr));
    return unitEntry(stdout.trim(), [])?.cursor ?? null;
  }

  #begin(span: readonly string[]): void {
    const units = this.#units.map((unit) => `--unit=${unit}`);
    const fields = `--output-fields=${ENTRY_FIELDS.join()}`;
    this.#startedAt = this.#clock();
    this.#partial = '';
    this.#cut = false;
    let child: LastingProgram;
    try {
      child = this.#start(JOURNALCTL, [...span, '--output=json', fields, ...units]);
    } catch (error) {
      this.#fail(errorMessage(error));
      return;
    }
    this.#child = child;
    this.#ended = this.#listen(child);
    child.unref();
  }

  #listen(child: LastingProgram): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let complaint = '';
    let failure: string | null = null;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(child, text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, LONGEST_COMPLAINT);
    });
    child.on('error', (error) => {
      failure = `${JOURNALCTL} cannot be started: ${error.message}`;
    });
    child.on('close', (status, signal) => {
      if (this.#child === child) {
        this.#child = null;
        if (this.#span === 'follow' || status !== 0) this.#fail(failure ?? ending(status, signal, complaint));
        // A cursor that this journalctl does not take would end each of its successors also.
        if (/cursor/i.test(complaint)) this.#cursor = null;
      }
      resolve();
    });
    return promise;
  }

  #hear(child: LastingProgram, text: string): void {
    if (this.#child !== child) return;
    const parts = text.split('\n');
    for (const [index, part] of parts.entries()) {
      this.#cut ||= this.#partial.length + part.length > LONGEST_ENTRY;
      this.#partial = this.#cut ? '' : this.#partial + part;
      if (index === parts.length - 1) break;
      const entry = this.#cut ? null : unitEntry(this.#partial, this.#units);
      // The cursor's own entry was read before.
      if (entry !== null && entry.cursor !== this.#cursor) {
        this.#cursor = entry.cursor;
        this.#entries.push(entry);
      }
      this.#partial = '';
      this.#cut = false;
    }
    this.#left -= text.length;
    if (this.#left <= 0) child.stdout.pause();
  }

  #fail(reason: string): void {
    this.#deaf = reason;
    this.#retryAt = this.#clock() + Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    // Output that nobody reads would keep the child from being over.
    child?.stdout.destroy();
    child?.stderr.destroy();
    child?.kill('SIGKILL'); // it writes nothing
    await this.#ended;
  }
}

function ending(status: number | null, signal: string | null, complaint: string): string {
  const how = signal === null ? `with status ${status}` : `by ${signal}`;
  const why = complaint.trim().split('\n').at(-1) ?? '';
  return `${JOURNALCTL} ended ${how}${why === '' ? '' : `: ${why}`}`;
}
