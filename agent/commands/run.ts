/** `agent run`: the daemon, until SIGTERM or SIGINT. SIGHUP makes it read its configuration again. */
import { once } from 'node:events';
import { Daemon, type Setup } from '../daemon/daemon.ts';
import { makeLog } from '../daemon/log.ts';
import { inheritNotifySocket, notifier } from '../host/notify.ts';
import { identify } from '../report/identity.ts';
import { openContext } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT } from './output.ts';
import { VERSION } from './version.ts';

/** Gives the exit status once it was told to end. Throws ConfigFailure where it cannot even start. */
export async function run(options: CommonOptions): Promise<number> {
  inheritNotifySocket();
  const systemd = notifier();
  const ended = Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => once(process, signal).then(() => signal)));
  const starting = Daemon.start({ load: () => load(options), log: makeLog() });
  process.on('SIGHUP', async () => {
    const daemon = await starting;
    systemd?.send('RELOADING=1');
    await daemon.reload();
    systemd?.send('READY=1');
  });
  const daemon = await starting;
  systemd?.send('READY=1');
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

async function load(options: CommonOptions): Promise<Setup> {
  const { host, resources, daemon, hash } = await openContext(options);
  const { hostId } = identify({ host, version: VERSION, configHash: hash, labels: daemon.report.labels });
  return { host, resources, daemon, hash, hostId, probes: [], delivery: null };
}
