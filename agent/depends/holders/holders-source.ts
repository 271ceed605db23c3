/** Running programs that may keep a name server that no file names any more. */
import type { IpAddress } from '../../address/accepted.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { mapsOf } from '../../host/process/maps.ts';
import { argumentsOf, nullIfGone, procLink } from '../../host/process/proc.ts';
import type { Program } from '../../host/process/programs.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { givesServer, inForce, runningOnes } from '../conf/conf-source.ts';
import { CONFIGURED_PROGRAMS } from '../conf/list.ts';
import type { ConfiguredProgram } from '../conf/program.ts';
import type { Dependence, DependsAnswer, DependsSource, Unseen } from '../dependence.ts';
import { DOCKER_SERVER } from '../resolver/resolv-conf-source.ts';
import type { ProcessTree, Surroundings } from '../surroundings.ts';
import { whoAre, whoIs } from '../who.ts';
import { keepsServers } from './holder-kinds.ts';
import { loadHistory, namedSince, type ServerHistory } from './server-history.ts';

const COMMON = { tense: 'holder', source: 'holders' } as const;

export function holdersSource(around: Surroundings): DependsSource {
  return {
    name: COMMON.source,
    tense: COMMON.tense,
    async look(addresses, signal) {
      const history = loadHistory(around.host);
      const found: Dependence[] = [];
      const unseen: Unseen[] = [];
      const take = (answer: DependsAnswer) => {
        found.push(...answer.found);
        unseen.push(...answer.unseen);
      };
      const hidden: Program[] = [];
      for (const tree of around.trees()) {
        signal.throwIfAborted();
        const holders = [...holdersIn(around.host, tree, hidden), ...dockersOwn(around.host, tree)];
        for (const holder of holders) take(answered(around, holder, history, addresses));
      }
      hidden.push(...around.programs().filter(({ tree }) => tree === null));
      for (const program of CONFIGURED_PROGRAMS) {
        signal.throwIfAborted();
        for (const holder of configHolders(around, program)) take(answered(around, holder, history, addresses));
      }
      if (hidden.length > 0) {
        const who = whoAre(around.host, hidden);
        unseen.push({
          ...COMMON,
          reason: `${who} may keep old name servers; only root outside of a container can tell`,
        });
      }
      return { found, unseen };
    },
  };
}

/** A program that started before the file changed that it read. */
interface Holder {
  readonly program: Program;
  /** Name of the source in the history; null if the history is about another file. */
  readonly history: string | null;
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly changed: number;
  readonly why: string;
  readonly cure: string;
}

/** Readers of resolv.conf. `hidden` receives the programs that could not be looked at. */
function holdersIn(host: Host, tree: ProcessTree, hidden: Program[]): Holder[] {
  const { resolvConf, isOurs } = tree;
  const noReload = readAsLibc(resolvConf?.text ?? '').options.includes('no-reload');
  return tree.programs.flatMap((program): Holder[] => {
    const changed = changedSince(host, tree, program);
    if (changed === null || isHoldfast(program)) return [];
    const maps = mapsOf(program.pid);
    if (maps === 'hidden') hidden.push(program);
    const why = keepsServers(program, maps === 'hidden' ? '' : maps, noReload);
    if (why === null || hasEnded(program)) return [];
    const history = isOurs ? 'resolv.conf' : null;
    return [{ program, history, file: RESOLV_CONF, changed, why, cure: restartOf(host, program) }];
  });
}

/** Whether the program ended since it was listed. A zombie has no executable. */
function hasEnded({ pid, executable }: Program): boolean {
  return executable !== null && nullIfGone(() => procLink(pid, 'exe')) === null;
}

/** Whether the program is Holdfast run from its sources, hence Node. Holdfast takes a new resolver for each question. */
function isHoldfast({ pid, executable }: Program): boolean {
  if (pid === process.pid) return true;
  return executable === process.execPath && nullIfGone(() => argumentsOf(pid)[1]) === process.argv[1];
}

/**
 * Docker's own resolver asks the servers that the host's resolv.conf named when the container started. Docker 24 and later
 * note them in the container's resolv.conf, so the source "resolv.conf" names them; earlier ones do not.
 */
function dockersOwn(host: Host, { programs, resolvConf }: ProcessTree): Holder[] {
  const text = resolvConf?.text ?? '';
  const [first] = programs.toSorted((a, b) => a.sinceBoot - b.sinceBoot);
  if (first?.container?.engine !== 'docker' || !readAsLibc(text).nameserver.includes(DOCKER_SERVER)) return [];
  if (/^# (?:ExtServers:|NO EXTERNAL)/m.test(text)) return [];
  const changed = changedAfterStart(host, RESOLV_CONF, { ...first, arguments: [] });
  if (changed === null) return [];
  const why = `Docker's own resolver (${DOCKER_SERVER}) asks the servers of the time at which the container started`;
  return [{ program: first, history: 'resolv.conf', file: RESOLV_CONF, changed, why, cure: restartOf(host, first) }];
}

/** When the tree's resolv.conf changed after the program's start, in milliseconds since the epoch; null if it did not. */
function changedSince(host: Host, { isOurs, resolvConf, unseen }: ProcessTree, program: Program): number | null {
  if (isOurs) return changedAfterStart(host, RESOLV_CONF, { ...program, arguments: [] });
  // The source "resolv.conf" says that this file was not seen.
  if (resolvConf === null || unseen !== null) return null;
  return resolvConf.stats.ctimeMs > program.started ? resolvConf.stats.ctimeMs : null;
}

/** Readers of a configuration of their own, which names servers. */
function configHolders(around: Surroundings, program: ConfiguredProgram): Holder[] {
  return runningOnes(around, program).flatMap(({ main, youngest }): Holder[] => {
    if (!around.isOwnTree(main)) return [];
    const { files } = inForce(around, main, program).mentions;
    const naming = files.filter(({ mentions }) => mentions.some(({ role }) => givesServer(role)));
    const changed = (naming.length > 0 ? naming : files)
      .filter(({ path, rereads }) => path !== '' && !rereads)
      .map(({ path }) => ({ path, time: changedAfterStart(around.host, path, { ...youngest, arguments: [] }) }))
      .find(({ time }) => time !== null);
    if (changed === undefined) return [];
    const why = `${program.name} uses the name servers that its configuration had when it read it`;
    const cure = program.restart ?? restartOf(around.host, main);
    return [{ program: main, history: program.name, file: changed.path, changed: changed.time!, why, cure }];
  });
}

function answered(
  { host, originals }: Surroundings,
  { program, history: key, file, changed, why, cure }: Holder,
  history: ServerHistory,
  addresses: ReadonlySet<IpAddress> | null,
): DependsAnswer {
  const who = whoIs(host, program);
  const where = `started ${time(program.started)}, ${file} changed ${time(changed)}`;
  const kept = key === null ? null : namedSince(history, key, program.started, changed);
  const of = (address: IpAddress, reason: string): Dependence => ({ ...COMMON, address, who, where, reason, cure });
  if (kept !== null) {
    const wanted = kept.filter((address) => addresses?.has(address) !== false);
    return {
      found: wanted.map((one) => of(one, `${why}; ${file} named ${one} when it started, or later`)),
      unseen: [],
    };
  }
  const unknown = `${why}; it started before ${file} changed, and what the file named then is not known`;
  if (addresses !== null) return { found: [...addresses].map((one) => of(one, unknown)), unseen: [] };
  const earlier = key === 'resolv.conf' ? originals : [];
  return {
    found: earlier.map((one) => of(one, `${why}; ${file} named ${one} before the first \`agent apply\``)),
    unseen: [{ ...COMMON, reason: `${who}: ${unknown}. To be sure: ${cure}` }],
  };
}

function restartOf(host: Host, program: Program): string {
  if (program.container !== null) return 'restart the container';
  return program.unit?.endsWith('.service') ? `systemctl restart ${program.unit}` : `restart ${whoIs(host, program)}`;
}

function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
