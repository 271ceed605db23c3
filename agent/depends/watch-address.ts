/**
 * Watches for a while who sends anything to one address: programs by the kernel's kprobes, units and users by a counting
 * table, and at the beginning the sockets that are open already.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { socketsTo } from '../host/netlink/open-sockets.ts';
import { containerOrUnitOf } from '../host/process/container-names.ts';
import { argumentsOf, commOf, nullIfGone, procText, statusField, userIds } from '../host/process/proc.ts';
import { socketOwners } from '../host/process/socket-owners.ts';
import { knowsThreads } from '../host/trace/route-traces.ts';
import { proveSends } from '../host/trace/send-proof.ts';
import { type SeenSend, SendTrace } from '../host/trace/send-traces.ts';
import { GroupNames } from './ledger/group-names.ts';
import { type LedgerEntry, readCounts } from './ledger/ledger-content.ts';
import { makeOneAddressTable, removeOneAddressTable } from './ledger/one-address-table.ts';
import { WATCHING_TABLES } from './ledger/our-tables.ts';
import { SourceNames } from './ledger/source-names.ts';
import { userNames } from './ledger/user-names.ts';

const TABLE = WATCHING_TABLES.watch;
/** Milliseconds between looks at the trace. Many programs end right after their question. */
const TRACE_EVERY = 20;
/** Programs that are kept apart. */
const MOST_PROGRAMS = 1_000;

/** A program that sent something, or holds a socket to the address. */
export interface Sender {
  readonly program: string;
  /** null if it ended before we could look, or runs in a PID namespace that we do not see. */
  readonly pid: number | null;
  readonly unit: string | null;
  readonly user: string | null;
  /** The command line; null if it is not known. */
  readonly command: string | null;
  readonly protocol: string;
  /** Datagrams and connections; 0 for a socket that was open before. */
  readonly sends: number;
}

export interface WatchedAddress {
  readonly senders: readonly Sender[];
  /** Units and users by packets, forwarded packets by source. */
  readonly counted: readonly LedgerEntry[];
  /** Why programs could not be seen while they sent; null if they could. */
  readonly blind: string | null;
  /** Why nobody could be counted for the whole time; null if everybody was. */
  readonly uncounted: string | null;
  /** Why units cannot be told apart; null if they can. */
  readonly unitless: string | null;
}

export interface WatchOptions {
  /** In canonical form. */
  readonly address: IpAddress;
  readonly seconds: number;
  /** Called once for each program. */
  readonly onSender?: (sender: Sender) => void;
  readonly signal: AbortSignal;
}

/** Changes nothing that outlives it: the kernel forgets the address by itself. Throws HostError if /run cannot be written. */
export async function watchAddress(host: Host, options: WatchOptions): Promise<WatchedAddress> {
  const { address, seconds, signal } = options;
  const programs = new Programs(host, options.onSender ?? (() => {}));
  const made = makeOneAddressTable(host, { table: TABLE, address, seconds, reject: false });
  const names = { groups: new GroupNames(host, { follow: true }), sources: new SourceNames(host) };
  const trace = await provedTrace(address);
  let lost = 0;
  try {
    const held = await openSockets(address);
    for (const one of held) programs.hold(one);
    const began = performance.now();
    const isOver = () => performance.now() - began >= seconds * 1000;
    while (!isOver() && !signal.aborted) {
      await sleep(TRACE_EVERY, undefined, { signal }).catch(() => {});
      if ('blind' in trace) continue;
      const taken = trace.take();
      lost += taken.lost;
      for (const send of taken.sends) programs.send(send);
    }
    const early = isOver()
      ? null
      : `the watch was told to end after ${Math.floor((performance.now() - began) / 1000)} s`;
    const { counted, uncounted } = await countsOf(host, made, names);
    const unseen = 'blind' in trace ? trace.blind : lost > 0 ? `${lost} sends came too fast to be read` : null;
    const unitless = 'problem' in made ? null : made.unitless;
    return { senders: programs.all(), counted, blind: unseen, uncounted: uncounted ?? early, unitless };
  } finally {
    if (!('blind' in trace)) trace.close();
    names.groups.close();
    if (!('problem' in made)) removeOneAddressTable(host, TABLE);
  }
}

async function countsOf(
  host: Host,
  made: ReturnType<typeof makeOneAddressTable>,
  names: Parameters<typeof readCounts>[3],
): Promise<Pick<WatchedAddress, 'counted' | 'uncounted'>> {
  if ('problem' in made) return { counted: [], uncounted: made.problem };
  try {
    const counts = await readCounts(host, TABLE, made.shape, names, AbortSignal.timeout(10_000));
    if (counts === null) return { counted: [], uncounted: 'another program removed the counting table' };
    return { counted: counts.asked, uncounted: counts.full ? 'there were too many askers' : null };
  } catch (error) {
    return { counted: [], uncounted: errorMessage(error) };
  }
}

/** A trace that sees sends to the address, and has proved that it sees them. */
async function provedTrace(address: IpAddress): Promise<SendTrace | { readonly blind: string }> {
  let trace: SendTrace | null = null;
  try {
    trace = new SendTrace(address);
    await proveSends(trace, familyOf(address));
    trace.aim(address);
    trace.take();
    return trace;
  } catch (error) {
    trace?.close();
    return { blind: errorMessage(error) };
  }
}

interface HeldSocket {
  readonly pid: number;
  readonly protocol: string;
}

/** Sockets of this network namespace that are connected already. Empty if they cannot be listed: the counts remain. */
async function openSockets(address: IpAddress): Promise<HeldSocket[]> {
  try {
    const sockets = await socketsTo(Buffer.from(ipaddr.parse(address).toByteArray()), AbortSignal.timeout(10_000));
    if (sockets.length === 0) return [];
    const owners = socketOwners(new Set(sockets.map(({ inode }) => inode)));
    return sockets.flatMap(({ inode, protocol, port }) => {
      const pid = owners.get(inode);
      return pid === undefined || pid === process.pid ? [] : [{ pid, protocol: `${protocol} ${port}, open before` }];
    });
  } catch {
    return [];
  }
}

class Programs {
  readonly #host: Host;
  readonly #onSender: (sender: Sender) => void;
  readonly #seen = new Map<string, Sender>();
  readonly #knowsThreads = knowsThreads();
  #users: ReadonlyMap<number, string> | null = null;

  constructor(host: Host, onSender: (sender: Sender) => void) {
    this.#host = host;
    this.#onSender = onSender;
  }

  send({ thread, comm, protocol }: SeenSend): void {
    const status = this.#knowsThreads ? (nullIfGone(() => procText(thread, 'status')) ?? '') : '';
    const pid = Number(statusField(status, 'Tgid')) || null;
    // A program that ended has its thread's number still, which no other program gets so soon.
    this.#add(`${pid ?? thread} ${comm} ${protocol}`, () => this.#sender(pid, comm, protocol), 1);
  }

  hold({ pid, protocol }: HeldSocket): void {
    const comm = nullIfGone(() => commOf(pid)) ?? '';
    this.#add(`${pid} ${comm} ${protocol}`, () => this.#sender(pid, comm, protocol), 0);
  }

  all(): Sender[] {
    return [...this.#seen.values()];
  }

  #add(key: string, sender: () => Sender, sends: number): void {
    const known = this.#seen.get(key);
    if (known === undefined && this.#seen.size >= MOST_PROGRAMS) return;
    const added = { ...(known ?? sender()), sends: (known?.sends ?? 0) + sends };
    this.#seen.set(key, added);
    if (known === undefined) this.#onSender(added);
  }

  #sender(pid: number | null, comm: string, protocol: string): Sender {
    const printable = comm.replace(/[^\x20-\x7e]/g, '?');
    const unknown = { program: printable, pid, unit: null, user: null, command: null, protocol, sends: 0 };
    if (pid === null) return unknown;
    const uid = nullIfGone(() => userIds(procText(pid, 'status'))[1]) ?? null;
    this.#users ??= userNames(this.#host);
    return {
      ...unknown,
      unit: nullIfGone(() => containerOrUnitOf(this.#host, pid)),
      user: uid === null ? null : (this.#users.get(uid) ?? String(uid)),
      command:
        nullIfGone(() =>
          argumentsOf(pid)
            .join(' ')
            .replace(/[^\x20-\x7e]/g, '?')
            .slice(0, 200),
        ) || null,
    };
  }
}
