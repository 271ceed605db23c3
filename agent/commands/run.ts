/** `agent run`: the daemon, until SIGTERM or SIGINT. SIGHUP makes it read its configuration again. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { makeProbes } from '../../probes/index.ts';
import { MemoryErrorRecord } from '../../probes/memory-errors/counts-record.ts';
import { fileError } from '../config/config-error.ts';
import { holdsNothing, isWhole } from '../config/desired.ts';
import { Daemon } from '../daemon/daemon.ts';
import type { DaemonSetup } from '../daemon/daemon-setup.ts';
import { LateReporter } from '../daemon/late-reporter.ts';
import { makeLog } from '../daemon/log.ts';
import { HostError } from '../host/errors.ts';
import { lockForLife } from '../host/files/lock.ts';
import type { Host } from '../host/host.ts';
import { rememberMachine } from '../host/machine.ts';
import { DAEMON, RUN_FOLDER } from '../host/paths.ts';
import { inheritNotifySocket, notifier } from '../host/service/notify.ts';
import { saveMemory } from '../host/service/v8.ts';
import { Credentials } from '../report/delivery/credentials.ts';
import { identify } from '../report/identity.ts';
import type { CommonOptions } from './common-options.ts';
import { agentCommand } from './context/agent-command.ts';
import { type ContextOptions, openContext, openHost, openToHold } from './context/context.ts';
import { editedBy, lookOnDisk } from './context/on-disk.ts';
import { VERSION } from './context/version.ts';
import { ConfigFailure, EXIT, printError } from './output/output.ts';

/** Returns the exit status after a signal ended the daemon. Throws ConfigFailure if the daemon cannot start at all. */
export async function run(options: CommonOptions): Promise<number> {
  inheritNotifySocket();
  saveMemory();
  const other = otherDaemon(openHost(options));
  if (other !== null) {
    const who = other === '' ? '' : ` (process ${other})`;
    printError(
      `agent run: another daemon holds this host already${who}. To make it read its configuration again, send it SIGHUP`,
    );
    return EXIT.running;
  }
  const systemd = notifier();
  const ended = Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => once(process, signal).then(() => signal)));
  const log = makeLog();
  const credentials = new Credentials();
  const delivery = new LateReporter(log, credentials);
  const lasting: Lasting = { delivery, credentials, record: new MemoryErrorRecord() };
  const starting = Daemon.start({
    async load() {
      try {
        const setup = await load(options, lasting);
        systemd?.send('STATUS=');
        return setup;
      } catch (error) {
        systemd?.send(
          'STATUS=The configuration has errors, so the last valid one is held. "agent plan" shows the errors',
        );
        throw error;
      }
    },
    lastGood: async (error) => (error instanceof ConfigFailure ? load(options, lasting, { lastGood: true }) : null),
    log,
  });
  process.on('SIGHUP', async () => {
    const daemon = await starting;
    systemd?.send('RELOADING=1');
    await daemon.reload();
    systemd?.send('READY=1');
    await lasting.delivery.begin();
  });
  const daemon = await starting;
  systemd?.send('READY=1');
  void lasting.delivery.begin();
  const watchdog = systemd?.watchdog ?? null;
  if (watchdog !== null) {
    setInterval(() => {
      if (daemon.healthy()) systemd?.send('WATCHDOG=1');
    }, watchdog / 3);
  }

  const signal = await ended;
  systemd?.send('STOPPING=1');
  await daemon.stop(signal);
  return EXIT.ok;
}

/** Refused at the start: without root every change would fail, again and again. */
const NOT_ROOT = fileError(
  'agent run',
  'only root can hold settings; run it as root, or with "report: { enforce: false }", to observe only',
);

/** The parts that stay when the daemon takes a new configuration. */
interface Lasting {
  readonly delivery: LateReporter;
  readonly credentials: Credentials;
  readonly record: MemoryErrorRecord;
}

/** Returns the other daemon's process id, or null. Two daemons would undo each other's changes and share one spool. */
function otherDaemon(host: Host): string | null {
  try {
    host.makeFolder(RUN_FOLDER, 0o755);
    return lockForLife(host.locate(DAEMON));
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    printError(`agent run: cannot check whether another daemon runs, so this one starts: ${error.message}`);
    return null; // a host whose /run refuses writes must be held as well
  }
}

async function load(
  options: CommonOptions,
  { delivery, credentials, record }: Lasting,
  how?: ContextOptions,
): Promise<DaemonSetup> {
  const lasting = { lasting: true, trial: 'configured' } as const;
  const context = await openToHold(options, { ...how, ...lasting, meanwhile: true });
  const { host, desired, resources, guard, trial, putBack, waits, nearness, metadata, daemon, hash, keep } = context;
  if (process.geteuid?.() !== 0 && daemon.report.enforce && !holdsNothing(desired)) throw new ConfigFailure([NOT_ROOT]);
  await keep();
  const { labels, interval } = daemon.report;
  const identity = identify({ host, version: VERSION, configHash: hash, labels, interval });
  rememberMachine(host);
  return {
    host,
    desired: () => (isWhole(desired) ? desired : (nearness?.desired() ?? null)),
    resources,
    agent: async (only) => ((await openContext(options)).hash === hash ? applyCommand(options, only) : null),
    guard,
    trial,
    putBack,
    waits:
      waits === null
        ? null
        : {
            hash: waits.hash,
            async open() {
              const asked = await openToHold(options, lasting);
              return asked.hash === waits.hash ? asked : null;
            },
          },
    nearness,
    metadata,
    daemon,
    hash,
    beatSeed: identity.beatSeed,
    probes: makeProbes(host, desired, daemon, { record, history: false }),
    inventory: [...agentCommand(), 'probe', 'inventory', '--json'],
    depends: dependsCommand(options),
    onDisk: {
      ...editedBy(options, daemon.report),
      look: () => {
        const { report, reload = 'manual' } = daemon;
        return lookOnDisk(options, { hash, waits: waits?.hash ?? null, reload, report }, credentials);
      },
    },
    delivery: await delivery.update(host, daemon.report, identity),
  };
}

function dependsCommand({ config }: CommonOptions): string[] {
  return [...agentCommand(), 'depends', '--json', ...(config === undefined ? [] : ['--config', resolve(config)])];
}

/** The apply that prepares a DHCP client for its restart. */
function applyCommand({ config }: CommonOptions, only: readonly string[]): string[] {
  const configuration = config === undefined ? [] : ['--config', resolve(config)];
  return [...agentCommand(), 'apply', '--json', '--only', ...only, ...configuration];
}
