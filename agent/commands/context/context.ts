/** Opens a command's host and its valid configuration. Every command begins here. */
import { resolve } from 'node:path';
import { type ConfiguredState, type DesiredState, holdsNothing, isWhole } from '../../config/desired.ts';
import type { DesiredDaemon } from '../../config/desired-daemon.ts';
import { DEFAULT_FILE, type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { PutBackChange } from '../../confirm/trial/put-back-memory.ts';
import type { WaveRecord } from '../../confirm/trial/wave-record.ts';
import type { Guard } from '../../hold/converge.ts';
import { KnownFiles } from '../../hold/files/verified-files.ts';
import { following } from '../../hold/late-bound.ts';
import type { Proof } from '../../hold/proof/proof.ts';
import type { Resource } from '../../hold/resource.ts';
import { HostError } from '../../host/errors.ts';
import { settleNotes } from '../../host/files/file-times.ts';
import { Host } from '../../host/host.ts';
import { CONFIRMED, PUT_BACK, TRIAL, WAVE } from '../../host/paths.ts';
import { inOtherNetwork } from '../../host/process/processes.ts';
import type { Metadata } from '../../metadata/metadata.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import type { Nearness } from '../../nearest/nearness.ts';
import { makeGuard } from '../../resources/dns-guard.ts';
import { makeResources } from '../../resources/index.ts';
import type { CommonOptions } from '../common-options.ts';
import { ConfigFailure, printError } from '../output/output.ts';
import type { HeldInstead } from './held-instead.ts';
import type { LateTrial, TrialMode } from './late-trial.ts';
import { Kept } from './saved-work.ts';
import { BUILD } from './version.ts';

export interface Context {
  readonly host: Host;
  /** False if the host has no configuration. Only commands that change nothing run without one. */
  readonly configured: boolean;
  /** The configuration's files. */
  readonly files: readonly string[];
  /** The configured state. */
  readonly desired: ConfiguredState;
  /** null if no value of the configuration is measured. */
  readonly nearness: Nearness | null;
  /** null if no value of the configuration comes from the cloud's metadata. */
  readonly metadata: Metadata | null;
  readonly daemon: DesiredDaemon;
  /** The hash of the configuration's files, in hexadecimal. */
  readonly hash: string;
  readonly resources: Resource[];
  /** Checks each change of DNS; null if none is configured. */
  readonly guard: Proof | null;
  /** Tries each change; null if none is to be tried, and no trial runs. */
  readonly trial: LateTrial | null;
  /** The trial, or else the check of DNS, goes around each change. */
  readonly changing: Guard | null;
  /** The change of the configuration on disk, if it was put back: all of this is of the confirmed configuration then. */
  readonly putBack: PutBackChange | null;
  /** The configuration on disk if it waits for its wave: all of this is of the confirmed configuration then. */
  readonly waits: WaveRecord | null;
  /** Saves the parsed configuration and the verified files, so that the next command need not parse them again. */
  keep(): Promise<void>;
}

export const NOT_CONFIGURED = `No configuration: ${DEFAULT_FILE} does not exist. The output shows what needs no configuration.`;

export function openHost({ root, live, json, quiet }: CommonOptions): Host {
  const host = new Host({ ...(root === undefined ? {} : { root }), ...(live === true ? { live } : {}) });
  if (!json && !quiet)
    host.whenWaiting = (path, seconds) =>
      printError(`Another apply or revert is running (it holds ${path}): waiting for it to end, at most ${seconds} s.`);
  return host;
}

/** The path of the configuration that a command is about. */
export function configFile({ config }: CommonOptions): string {
  return config === undefined ? DEFAULT_FILE : resolve(config);
}

export interface ContextOptions {
  /** A missing configuration is no error, unless --config names it. */
  readonly optional?: boolean;
  /** Use the last valid configuration, if a copy was saved and the file still exists. */
  readonly lastGood?: boolean;
  /** For the daemon, which looks at the host's leases. */
  readonly lasting?: boolean;
  /** For commands that change the host: whether a change is tried. `never` also makes a change that was put back. */
  readonly trial?: TrialMode;
  /** At boot nothing can be tried, so the configuration that was confirmed last is applied. */
  readonly boot?: boolean;
  /** Refuse alternative names of interfaces in a configuration that is new to this host, for commands that an operator starts. */
  readonly ownNames?: boolean;
  /** While the configuration on disk waits for its wave, use the one that was confirmed last. */
  readonly meanwhile?: boolean;
}

/** Throws ConfigFailure with every error of the configuration, before anything on the host is touched. */
export async function openContext(options: CommonOptions, how: ContextOptions = {}): Promise<Context> {
  const host = openHost(options);
  const isHostItself = host.live && host.root === '/';
  if (how.trial !== undefined && isHostItself && host.lstat(TRIAL) !== null)
    await (await import('./held-instead.ts')).putBackAbandoned(host);
  const asRoot = process.geteuid?.() === 0;
  // null if nothing should be saved.
  const build = asRoot && host.root === '/' ? BUILD : null;
  const kept = new Kept(host);
  const text = build === null ? null : await kept.read('configuration');
  const file = configFile(options);
  // The path of --config is the operator's own; the default file lies below --root.
  const files = options.config === undefined ? host : new Host();
  const last =
    how.lastGood && files.stat(file) !== null
      ? (await import('../../config/last-good.ts')).lastGoodFiles(text, file)
      : null;
  const loaded = await loadConfig({
    files: last ?? files,
    file,
    optional: (how.optional ?? false) && options.config === undefined,
    asRoot,
    ...(build === null ? {} : { compiled: { build, text } }),
    ...(how.ownNames ? { ownNames: async (names) => (await ownLinks()).ownLinkNames(host, names) } : {}),
  });
  if (!loaded.ok) throw new ConfigFailure(loaded.errors);
  const instead = isHostItself ? await insteadOf(host, loaded, file, how) : null;
  const { desired, daemon, compiled, hash, sources } = instead?.loaded ?? loaded;
  // Nothing is held if no other configuration was ever confirmed.
  const isReleased = instead !== null && instead.loaded === null;
  const keptFiles = build !== null ? await kept.read('files') : null;
  let known: KnownFiles | null = null; // null until the first look, which may have to wait for a measurement
  // A file that was found right counts only for the same desired state, so the key names the state.
  const make = (whole: DesiredState, state = hash) => {
    const files = new KnownFiles(`${build} ${state}`, keptFiles);
    known = files;
    const made = makeResources(host, whole, {
      only: options.only,
      known: files,
      ledger: how.lasting
        ? { longestLease: async () => (await import('../../clients/holders.ts')).longestKnownLease(host) }
        : {},
    });
    return isReleased ? made.filter(({ observes }) => observes === true) : made;
  };
  const nearness = isWhole(desired) ? null : await measured(host, desired);
  const metadata = await leftToTheCloud(host, desired);
  const resources =
    isWhole(desired) && metadata === null
      ? make(desired)
      : following(
          sameWhileSame(() => ({
            whole: isWhole(desired) ? desired : (nearness as Nearness).desired(),
            fetched: metadata?.known() ?? '',
          })),
          ({ whole, fetched }) => make(whole, `${hash} ${whole.dns?.sortlist?.join()} ${fetched}`),
        );
  const guard = await makeGuard(host, desired.dns, resources, daemon.report.endpoint);
  const complete = options.only === undefined && !isReleased;
  const { trial: mode = null } = how;
  const tries = !how.boot && (mode === 'always' || (mode === 'configured' && daemon.confirm !== null));
  const decrees = mode === 'never' && (daemon.confirm !== null || isPutBack(host));
  const trial =
    mode === null || !isHostItself || !(tries || decrees || host.lstat(TRIAL) !== null)
      ? null
      : new (await import('./late-trial.ts')).LateTrial({
          ...{ host, proof: guard, hash, tries, decrees },
          load: async () => {
            const { makeTrial } = await import('./make-trial.ts');
            return makeTrial({ host, proof: guard, desired, daemon, hash, sources, complete, earlier: text, mode });
          },
          confirm: async (decreed) => {
            if (!complete) return;
            const { confirmByDecree, confirmUnchanged } = await import('./held-instead.ts');
            (decreed ? confirmByDecree : confirmUnchanged)(host, hash, sources);
          },
        });
  return {
    host,
    configured: loaded.files.length > 0,
    files: loaded.files,
    desired,
    nearness,
    metadata,
    daemon,
    hash,
    resources,
    guard,
    trial,
    changing: trial ?? guard,
    putBack: instead?.change ?? null,
    waits: instead?.waits ?? null,
    async keep() {
      settleNotes(host);
      if (build !== null) await kept.write({ configuration: compiled, files: known?.toText() ?? null });
    },
  };
}

/** Throws in a network namespace whose /etc and records are the host's, but whose kernel values and routes are not. */
export function refuseOtherNetwork(host: Host): void {
  if (host.root !== '/' || !host.live || !inOtherNetwork()) return;
  throw new HostError(
    'ENETWORK',
    "this is another network namespace than the host's own (`ip netns exec`, or an sshd that runs so): its sysctls, routes and " +
      'resolv.conf are not those that the configuration is about. Nothing was done. Run it as: nsenter -t 1 -n -m agent …',
  );
}

/**
 * The same as openContext, for commands that change or judge the host. Refuses a configuration that holds nothing
 * without saying so.
 */
export async function openToHold(options: CommonOptions, how?: ContextOptions): Promise<Context> {
  const context = await openContext(options, how);
  refuseOtherNetwork(context.host);
  if (context.configured && holdsNothing(context.desired) && context.desired.hold === undefined)
    (await import('./unsaid.ts')).refuseUnsaid(context.host, context.daemon, options.config);
  return context;
}

const ownLinks = () => import('../../host/netlink/own-link-names.ts');

function isPutBack(host: Host): boolean {
  return host.lstat(PUT_BACK) !== null;
}

/** The configuration that is held in place of the one on disk; null if the one on disk is to be held. */
async function insteadOf(
  host: Host,
  { hash, daemon, files }: LoadedConfig,
  file: string,
  { trial, boot = false, meanwhile = false }: ContextOptions,
): Promise<HeldInstead | null> {
  const untried = boot && daemon.confirm !== null && host.lstat(CONFIRMED) !== null;
  const mayWait = trial !== 'never' && daemon.confirm?.waves != null && host.lstat(WAVE) !== null;
  const waits = !mayWait ? null : boot ? 'boot' : meanwhile && daemon.report.enforce ? 'daemon' : null;
  if (files.length === 0 || (!untried && waits === null && (trial === 'never' || !isPutBack(host)))) return null;
  return (await import('./held-instead.ts')).heldInstead(host, { hash, file, untried, waits });
}

async function measured(host: Host, desired: ConfiguredState): Promise<Nearness> {
  const { Nearness } = await import('../../nearest/nearness.ts');
  return new Nearness(host, desired);
}

async function leftToTheCloud(host: Host, desired: ConfiguredState): Promise<Metadata | null> {
  const wishes = wishesOf(desired);
  if (wishes.length === 0) return null;
  const { Metadata } = await import('../../metadata/metadata.ts');
  return new Metadata(host, desired.metadata, wishes);
}

/** Returns the same object for as long as all of its parts stay the same. */
function sameWhileSame<State extends object>(look: () => State): () => State {
  let last: State | null = null;
  return () => {
    const now = look();
    if (last === null || Object.keys(now).some((key) => now[key as keyof State] !== last?.[key as keyof State]))
      last = now;
    return last;
  };
}
