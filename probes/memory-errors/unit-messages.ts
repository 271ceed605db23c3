/** Memory errors that routing daemons write into systemd's journal. */
import { isMap } from '../../agent/config/plain-map.ts';
import { nullIfRefused } from '../../agent/host/errors.ts';
import { type Host, notOfTheseFiles } from '../../agent/host/host.ts';
import { isJournalCursor, type UnitEntry } from '../../agent/host/service/unit-entries.ts';
import { UnitJournal, type UnitJournalOptions } from '../../agent/host/service/unit-journal.ts';
import { isUnitInstalled, linkedUnit } from '../../agent/host/service/units.ts';
import type { Condition, Probe, Reading } from '../probe.ts';
import { Remembered } from '../remembered.ts';
import { DAEMON_CAUSES } from './causes.ts';
import type { MemoryErrorRecord } from './counts-record.ts';
import { tallyLine, unreadableLog } from './daemon-lines.ts';
import { ErrorTally } from './tally.ts';

/** Milliseconds between readings. An empty one looks at memory only. */
const INTERVAL = 1_000;
/** Milliseconds for one reading: journalctl may have to read much from a busy disk. */
const TIME_LIMIT = 30_000;
/** Milliseconds between two looks whether units and journal exist. */
const LOOK_AGAIN = 60_000;

/** Where journald keeps its files (systemd-journald.service(8)), in a folder of each machine. */
const FOLDERS = ['/run/log/journal', '/var/log/journal'];

interface Place {
  /** The entry that was read last. */
  readonly cursor: string;
  /** The units that were followed. */
  readonly units: readonly string[];
}

interface Following {
  readonly journal: UnitJournal;
  /** Units that were not followed before. Their messages count from now on, as do the lines of a new file. */
  readonly added: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface JournalProbeOptions extends Pick<UnitJournalOptions, 'clock' | 'start' | 'run'> {
  /** True: reads the last 10,000 messages, and remembers nothing. */
  readonly history: boolean;
}

/** @param units names of units, such as `frr.service`. */
export function journalMemoryErrors(
  host: Host,
  units: readonly string[],
  record: MemoryErrorRecord,
  { history, clock = () => performance.now(), ...programs }: JournalProbeOptions,
): Probe {
  const tally = new ErrorTally(record, { history });
  const remembered = new Remembered(host, 'journal-cursor', isPlace);
  /** null before the first reading. Until then the probe of the last configuration reads, and moves the place on. */
  let following: Following | null = null;
  /** The entry up to which the errors are in the last reading. */
  let read: string | null = null;
  let closed = false;
  let blind: string[] = [];
  let missing: Condition[] = [];
  let lookAt = Number.NEGATIVE_INFINITY;

  const begin = (): Following => {
    const place = history ? null : remembered.load();
    const span = history ? 'history' : 'follow';
    const machine = /^[0-9a-f]{32}$/.exec(host.readText('/etc/machine-id')?.trim() ?? '')?.[0] ?? null;
    const added = new Set(place === null ? [] : units.filter((unit) => !place.units.includes(unit)));
    const journal = new UnitJournal(units, { span, machine, cursor: place?.cursor ?? null, clock, ...programs });
    return { journal, added, since: Date.now() };
  };

  const look = () => {
    if (clock() < lookAt) return;
    lookAt = clock() + LOOK_AGAIN;
    if (!host.live) missing = units.map((unit) => unreadableLog({ unit }, notOfTheseFiles('journal')));
    else if (!hasJournal(host)) missing = units.map((unit) => unreadableLog({ unit }, NO_JOURNAL));
    else
      missing = units.flatMap((unit) => {
        const problem = unitProblem(host, unit);
        return problem === null ? [] : [unreadableLog({ unit }, problem)];
      });
  };

  const count = ({ unit, lines, time }: UnitEntry, { added, since }: Following) => {
    if (added.has(unit) && time < since) return;
    for (const line of lines) tallyLine(tally, unit, line, time);
  };

  const conditions = ({ deaf }: UnitJournal): Condition[] => {
    if (deaf === null) return missing;
    const known = units.filter((unit) => !missing.some(({ attributes }) => attributes.unit === unit));
    return [...missing, ...known.map((unit) => unreadableLog({ unit }, `cannot follow ${unit}: ${deaf}`))];
  };

  return {
    name: 'memory-errors.journal',
    cost: 'constant',
    interval: INTERVAL,
    timeLimit: TIME_LIMIT,
    async read(): Promise<Reading[]> {
      look();
      following ??= begin();
      const { journal } = following;
      const entries = host.live ? await journal.read() : [];
      if (closed) return []; // the probe that replaced this one reads these entries
      const all = conditions(journal);
      const heard = units.filter((unit) => !all.some(({ attributes }) => attributes.unit === unit));
      for (const unit of heard) tally.watch(unit, DAEMON_CAUSES);
      for (const entry of entries) count(entry, following);
      read = journal.cursor;
      blind = all.map(({ body }) => body);
      return [...tally.take(), ...all];
    },
    blind: () => (blind.length === 0 ? null : blind.join(' ')),
    handedOn() {
      if (!history && read !== null) remembered.save({ cursor: read, units });
    },
    async close() {
      closed = true;
      await following?.journal.close();
    },
  };
}

const NO_JOURNAL =
  'there is no journal in /run/log/journal or /var/log/journal (journald is not there, or has Storage=none)';

function hasJournal(host: Host): boolean {
  const names = (folder: string) => nullIfRefused(() => host.list(folder)) ?? [];
  return FOLDERS.some((folder) =>
    names(folder).some((machine) => names(`${folder}/${machine}`).some((file) => file.endsWith('.journal'))),
  );
}

function isPlace(value: unknown): value is Place {
  return isMap(value) && isJournalCursor(value.cursor) && Array.isArray(value.units);
}

/** null if systemd has the unit, or the template of an instance: `bird@.service` of `bird@edge.service`. */
function unitProblem(host: Host, unit: string): string | null {
  const template = unit.replace(/@.*(\.[a-z]+)$/, '@$1');
  if (!isUnitInstalled(host, unit) && !isUnitInstalled(host, template)) return `systemd has no unit ${unit}`;
  // The journal has the name behind the link.
  const linked = linkedUnit(host, unit);
  if (linked === null || linked === unit || linked === template) return null;
  return linked === 'null' ? `${unit} is masked` : `${unit} is an alias of ${linked}, which is its name in the journal`;
}
