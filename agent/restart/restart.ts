/**
 * `dhclient.restart: whenSafe`: restarts a dhclient for a change that no hook can give it. A check before the restart
 * must show that nothing gets lost, and a check afterwards that nothing was lost. On any doubt the dhclient runs on as
 * it is, and the agent says why.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { leaseRecords } from '../clients/dhclient/leases/lease-records.ts';
import { currentLease } from '../clients/dhclient/leases/leases.ts';
import { type PendingChanges, pendingOf } from '../clients/dhclient/pending-changes.ts';
import { clientName, dhcpClients, type RunningDhclient } from '../clients/dhclient/running.ts';
import { noteStarts } from '../clients/dhclient/start-records.ts';
import type { DesiredState } from '../config/desired.ts';
import { errorMessage, HostError, nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { networkAround } from '../rehearse/network.ts';
import { playEvent } from '../rehearse/rehearsal.ts';
import type { Rehearsal } from '../rehearse/result.ts';
import { askDhcpServer, removeQuestion } from './ask-server.ts';
import { commandLineOf } from './command-line.ts';
import { launch } from './launch.ts';
import { lossOf, putBack, type RestartLoss } from './loss.ts';
import { closeEntry, noteRestart, type RestartEntry, readEntry, waitFor, writeEntry } from './under-way.ts';

export interface RestartResult {
  /** `postponed`: nothing was ended. `failed`: a setting differs from before, or may differ. */
  readonly kind: 'restarted' | 'postponed' | 'failed';
  /** "dhclient[812] on eth0". */
  readonly client: string;
  /** A sentence without its full stop. */
  readonly body: string;
}

/** Milliseconds: for the answer of a server that has just answered, and for the work of a script. */
const PATIENCE = 30_000;
/** Milliseconds, if that time is already over. */
const SHORT = 1000;
const LOOK_EVERY = 100;
/** How often a dhclient is started again if it ends at once. */
const TRIES = 3;

/** The dhclients that wait for a restart, whether or not the restart is safe. */
export function pendingRestarts(host: Host, { dhclient }: DesiredState): PendingChanges[] {
  return dhcpClients(host).flatMap((client) => pendingOf(host, client, dhclient) ?? []);
}

/** Restarts one after the other, under the host's lock. Throws only on a fault of the agent. */
export async function restartPending(host: Host, desired: DesiredState): Promise<RestartResult[]> {
  const results = await finishRestart(host);
  if (results.some(({ kind }) => kind === 'failed')) return results;
  for (const pending of pendingRestarts(host, desired)) {
    const result = await restartOne(host, desired, pending);
    results.push(result);
    if (result.kind === 'failed') break; // the cause may also hit the next dhclient
  }
  return results;
}

/**
 * Finishes the restart of an agent that was killed in the middle: a dhclient runs afterwards. Call this under the
 * host's lock.
 */
export async function finishRestart(host: Host): Promise<RestartResult[]> {
  const entry = readEntry(host);
  if (entry === null) return [];
  if (entry === 'damaged') {
    closeEntry(host);
    return [
      {
        kind: 'failed',
        client: 'dhclient',
        body: 'a restart was not finished, and what was written of it is damaged: see that a dhclient runs',
      },
    ];
  }
  // The shell ends the old dhclient and starts the next, even without the agent; otherwise nothing had begun.
  const begun = entry.started !== null || host.birthOf(entry.old.pid) !== entry.old.start;
  if (begun) return [await settle(host, entry, Math.max(SHORT, entry.began + PATIENCE - Date.now()))];
  closeEntry(host);
  removeQuestion(host);
  return [];
}

async function restartOne(
  host: Host,
  desired: DesiredState,
  { client, what, change }: PendingChanges,
): Promise<RestartResult> {
  const name = clientName(client);
  const { interfaces } = client;
  let entry: RestartEntry;
  try {
    const wait = waitFor(host, interfaces, change, Date.now());
    if (wait > 0)
      return postponed(name, what, `it was started for this already; not again for ${Math.ceil(wait / 60_000)} min`);
    const start = host.birthOf(client.pid);
    if (start === null) return postponed(name, what, 'it has ended');
    entry = {
      old: { pid: client.pid, start },
      name,
      interfaces,
      command: commandLineOf(host, client),
      began: Date.now(),
      networks: interfaces.map((iface) => networkAround(host, iface)),
      leased: interfaces.flatMap((iface) => currentLease(host, client, iface)?.address ?? []),
      resolvConf: null,
      started: null,
    };
    // From here on the enter hook keeps the address if no server answers, also in the rehearsal.
    writeEntry(host, entry);
    entry = { ...entry, resolvConf: await foresee(host, desired, client, entry), began: Date.now() };
    noteRestart(host, interfaces, change, entry.began);
    entry = { ...entry, started: launch(host, entry.command, entry.old) };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    closeEntry(host);
    return postponed(name, what, error.message);
  } finally {
    removeQuestion(host);
  }
  nullIfRefused(() => writeEntry(host, entry)); // the restart is already on record
  return settle(host, entry, PATIENCE);
}

/** Throws HostError if the new start would lose something. Returns the future resolv.conf. */
async function foresee(
  host: Host,
  { dns }: DesiredState,
  client: RunningDhclient,
  { command, interfaces }: RestartEntry,
): Promise<string | null> {
  let resolvConf: string | null = null;
  for (const iface of interfaces) {
    const answered = await askDhcpServer(host, client, command, iface);
    const answering = await playEvent(host, answered, iface, 'REBOOT', { dns });
    const silent = await playEvent(host, client, iface, 'TIMEOUT', { dns, routerAnswers: false });
    const problem = answering.problems[0] ?? lostIn(answering) ?? lostIn(silent);
    if (problem !== undefined) throw new HostError('EREHEARSAL', `in the rehearsal of it ${problem}`);
    resolvConf = answering.resolvConf.after;
  }
  // With several leases, each lease writes its own resolv.conf, unless DNS is configured.
  return dns === null && interfaces.length > 1 ? null : resolvConf;
}

function lostIn({ reason, addresses, routes, status }: Rehearsal): string | undefined {
  const lost = [addresses, routes].flatMap(({ before, after }) => before.filter((line) => !after.includes(line)));
  if (lost.length > 0) return `${lost.join(' and ')} would be lost (${reason})`;
  return status === 0 ? undefined : `dhclient-script ends with status ${status} (${reason})`;
}

async function settle(host: Host, entry: RestartEntry, patience: number): Promise<RestartResult> {
  try {
    return await see(host, entry, patience);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return failed(entry, `it cannot be seen how the new one fares: ${error.message}`);
  }
}

/** Waits until the state of the new dhclient is known; puts losses back. Throws HostError. */
async function see(host: Host, first: RestartEntry, patience: number): Promise<RestartResult> {
  let entry = first;
  for (let tries = 1; ; tries += 1) {
    const found = await watch(host, entry, patience);
    if (found === 'runs') break;
    const loss = lossOf(host, entry);
    const left = loss === null ? null : putBack(host, loss);
    if (found === 'waits')
      return failed(
        entry,
        `the new one has no answer of a server yet: it goes on asking, and the address stays${said(loss, left)}`,
      );
    if (tries === TRIES) {
      const how = [entry.command.executable, ...entry.command.arguments].join(' ');
      return failed(
        entry,
        `no dhclient stays running: the address stays until its lease ends${said(loss, left)}; start it with: ${how}`,
      );
    }
    try {
      entry = { ...entry, started: launch(host, entry.command, null) };
    } catch (error) {
      return failed(entry, `it cannot be started: ${errorMessage(error)}`);
    }
    nullIfRefused(() => writeEntry(host, entry));
  }
  closeEntry(host);
  nullIfRefused(() => noteStarts(host, dhcpClients(host)));
  const loss = lossOf(host, entry);
  if (loss === null)
    return {
      kind: 'restarted',
      client: entry.name,
      body: `is dhclient[${successor(host, entry)?.pid}] now: address, routes and resolv.conf are as they were to be`,
    };
  const left = putBack(host, loss);
  return failed(entry, fateOf(loss, left));
}

/** `runs`: with a lease on each interface. `waits`: without a lease. `gone`: no dhclient runs. */
async function watch(host: Host, entry: RestartEntry, patience: number): Promise<'runs' | 'waits' | 'gone'> {
  const until = performance.now() + patience;
  for (;;) {
    await sleep(LOOK_EVERY);
    const { old, started, interfaces } = entry;
    const oldLives = host.birthOf(old.pid) === old.start;
    const startedLives = started !== null && host.birthOf(started.pid) === started.start;
    const next = successor(host, entry);
    if (!oldLives && next !== null && interfaces.every((iface) => hasLease(host, entry, iface))) return 'runs';
    if (!oldLives && !startedLives && next === null) return 'gone';
    if (performance.now() > until) return 'waits';
  }
}

function successor(host: Host, { old, interfaces }: RestartEntry): RunningDhclient | null {
  const found = dhcpClients(host).find((client) => {
    const isOld = client.pid === old.pid && host.birthOf(client.pid) === old.start;
    return !isOld && client.family === 4 && interfaces.every((name) => client.interfaces.includes(name));
  });
  return found ?? null;
}

/** By the exit hook's record. The process must also match, because the old dhclient may have renewed meanwhile. */
function hasLease(host: Host, { old, began }: RestartEntry, iface: string): boolean {
  const record = leaseRecords(host).find((one) => one.interface === iface && one.family === 4);
  return (
    record !== undefined && record.pid !== old.pid && record.time >= began - 1000 && LEASED.includes(record.reason)
  );
}

const LEASED = ['BOUND', 'RENEW', 'REBIND', 'REBOOT', 'TIMEOUT'];

function postponed(client: string, what: readonly string[], why: string): RestartResult {
  return { kind: 'postponed', client, body: `not started again for ${what.join(', ')}: ${why}` };
}

function failed({ name }: RestartEntry, body: string): RestartResult {
  return { kind: 'failed', client: name, body };
}

const said = (loss: RestartLoss | null, left: string | null) => (loss === null ? '' : ` (${fateOf(loss, left)})`);

const fateOf = ({ lines }: RestartLoss, left: string | null) =>
  `${lines.join(' and ')} was lost and ${left === null ? 'is put back' : `cannot be put back: ${left}`}`;
