/** The configuration files of a program: what they name takes effect at its next start, and now if the program runs. */
import type { IpAddress } from '../../address/accepted.ts';
import { errorMessage, HostError } from '../../host/errors.ts';
import type { Program } from '../../host/process/programs.ts';
import type { Dependence, DependsAnswer, DependsSource, Tense } from '../dependence.ts';
import { FileReading, type FileTree, ofHost } from '../files.ts';
import type { Surroundings } from '../surroundings.ts';
import { whoIs } from '../who.ts';
import { configuredFilesOf } from './configured-files.ts';
import type { ConfiguredProgram } from './program.ts';
import { readConfiguration } from './read-configuration.ts';
import { type Mention, type Role, scan } from './scan.ts';

/** The file's line, where the operator finds it. */
export interface PlacedMention extends Mention {
  /** `/etc/nginx/nginx.conf:12`. */
  readonly where: string;
}

export interface MentioningFile {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly changed: number;
  /** Whether the running program reads the file again when it changes. */
  readonly rereads: boolean;
  readonly mentions: readonly PlacedMention[];
}

export interface Mentions {
  /** Every file that was read, also those without an address. */
  readonly files: readonly MentioningFile[];
  readonly unread: readonly string[];
}

/** Everything that the files of a program name in this tree of files. `commandLine`: see readConfiguration. */
function mentionsOf(tree: FileTree, program: ConfiguredProgram, commandLine = ''): Mentions {
  const reading = new FileReading(tree);
  const files = readConfiguration(reading, program, commandLine).map(({ path, text, changed, rereads, syntax }) => {
    const mentions = scan(text, syntax).map((one) => ({ ...one, where: `${path}:${one.line}` }));
    return { path, changed, rereads, mentions };
  });
  return { files, unread: reading.unread() };
}

/** The files of this host: the moment `boot`, which is the next start of the program. */
export function bootFilesSource({ host }: Surroundings, program: ConfiguredProgram): DependsSource {
  return {
    name: program.name,
    tense: 'boot',
    async look(addresses) {
      return answer(
        mentionsOf(ofHost(host), program),
        addresses,
        program,
        'boot',
        `${program.name}, at its next start`,
      );
    },
  };
}

/** The running program, which uses what its files name: on this host, or in a container with files of its own. */
export function runningProgramSource(around: Surroundings, program: ConfiguredProgram): DependsSource {
  const { host } = around;
  return {
    name: program.name,
    tense: 'now',
    async look(addresses, signal) {
      const found: Dependence[] = [];
      const unseen: DependsAnswer['unseen'][number][] = [];
      for (const { main } of runningOnes(around, program)) {
        signal.throwIfAborted();
        const one = lookAt(around, main, program, addresses);
        found.push(...one.found);
        unseen.push(
          ...one.unseen.map((missing) => ({ ...missing, reason: `${whoIs(host, main)}: ${missing.reason}` })),
        );
      }
      return { found, unseen };
    },
  };
}

export interface Running {
  /** The process with the command line; workers are its children. */
  readonly main: Program;
  /** The process that started last: after a reload, its worker has read the files last. */
  readonly youngest: Program;
}

export function runningOnes(around: Surroundings, { daemons }: ConfiguredProgram): Running[] {
  const all = around.programs().filter(({ comm }) => daemons?.includes(comm) === true);
  const byPid = new Map(all.map((one) => [one.pid, one]));
  const mainOf = (one: Program): Program => {
    const parent = byPid.get(one.parent);
    return parent === undefined || parent.pid === one.pid ? one : mainOf(parent);
  };
  const groups = Map.groupBy(all, mainOf);
  return [...groups].map(([main, own]) => {
    return { main, youngest: own.reduce((a, b) => (b.sinceBoot > a.sinceBoot ? b : a)) };
  });
}

function lookAt(
  around: Surroundings,
  running: Program,
  program: ConfiguredProgram,
  addresses: ReadonlySet<IpAddress> | null,
): DependsAnswer {
  const who = whoIs(around.host, running);
  try {
    const { mentions, inside } = inForce(around, running, program);
    return answer(mentions, addresses, program, 'now', who, inside);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    // It may have ended meanwhile.
    if (!around.host.isRunning({ ...running, arguments: [] })) return { found: [], unseen: [] };
    return { found: [], unseen: [{ tense: 'now', source: program.name, reason: errorMessage(error) }] };
  }
}

/**
 * What a running program has read: the files of its command line, or else its usual files, and the command line itself.
 * `inside`: the path of its tree as this host sees it; '' for the host's own files. Throws HostError.
 */
export function inForce(around: Surroundings, running: Program, program: ConfiguredProgram) {
  const isOurs = around.isOwnTree(running);
  const { files, text } = configuredFilesOf(running.pid, program);
  const relative = files.filter((file) => !file.startsWith('/'));
  const { configFolder } = program;
  const own = files
    .filter((file) => file.startsWith('/'))
    .map((file) => file.replace(/[*?[]/g, '[$&]'))
    .flatMap((file) => (configFolder === undefined ? [file] : [file, `${file}/${configFolder}`]));
  const tree = isOurs ? ofHost(around.host) : around.filesOf(running);
  const read = mentionsOf(tree, { ...program, files: files.length > 0 ? own : program.files }, text);
  const mentions = scan(text, program.syntax).map((one) => ({
    ...one,
    where: `the command line of ${running.comm}[${running.pid}]`,
  }));
  return {
    mentions: {
      files: [...read.files, { path: '', changed: 0, rereads: false, mentions }],
      unread: [
        ...read.unread,
        ...relative.map((file) => `its configuration ${file} was not read, because the path does not begin with "/"`),
      ],
    },
    inside: isOurs ? '' : `/proc/${running.pid}/root`,
  };
}

/** `inside`: the path of the tree as this host sees it; '' for its own files. */
function answer(
  { files, unread }: Mentions,
  addresses: ReadonlySet<IpAddress> | null,
  { name, restart, cure: other }: ConfiguredProgram,
  tense: Tense,
  who: string,
  inside = '',
): DependsAnswer {
  const wanted = files
    .flatMap(({ mentions }) => mentions)
    .filter(({ address, role }) => (addresses === null ? givesServer(role) : addresses.has(address)))
    .filter(({ role }) => role !== 'retired');
  const found = wanted.map(({ address, role, where, text }): Dependence => {
    const then = restart === undefined ? '' : `, then: ${restart}`;
    const place = where.startsWith('/') ? `${inside}${where}` : where;
    const cure = other ?? `replace ${address} in ${place}${then}`;
    return { address, tense, source: name, who, where: place, reason: `${ROLES[role]} (${text})`, cure };
  });
  return { found, unseen: unread.map((reason) => ({ tense, source: name, reason })) };
}

export const givesServer = (role: Role) => role === 'nameserver' || role === 'handed';

const ROLES: Readonly<Record<Role, string>> = {
  nameserver: 'the file names it as a name server',
  handed: 'the file hands it to other hosts as their name server',
  gateway: 'the file names it as a gateway',
  time: 'the file names it as a time server',
  retired: 'the file names it as an address that is to be switched off',
  other: 'the file names it',
};
