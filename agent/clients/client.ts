/**
 * The contract of DHCP clients: programs that take leases. Everything that is special to one program stands in its
 * folder, with the same file name for the same role: client.ts (this contract), running.ts (its processes),
 * known-leases.ts, forecast.ts, stage.ts (how it is rehearsed), kept.ts (what Holdfast keeps of its files), sysctls.ts,
 * way-back.ts. clients.ts is the list.
 */
import type { ConfiguredState, DesiredState } from '../config/desired.ts';
import type { KnownFiles } from '../hold/files/verified-files.ts';
import type { Resource } from '../hold/resource.ts';
import type { Undoing } from '../hold/undoing.ts';
import type { Host } from '../host/host.ts';
import type { ProgramSysctl } from './client-sysctl.ts';
import type { KnownLeases } from './known-lease.ts';
import type { HoldsAtLease, LeaseForecast } from './lease-forecast.ts';
import type { StagePlan } from './stage-plan.ts';

/** A program's usual name: `dhclient`, `systemd-networkd`. */
export type LeaseProgram = string;

export interface DhcpClient {
  readonly program: LeaseProgram;
  /** Whether the program is installed or runs. For the files of another root, the answer may be a guess. */
  isHere(host: Host): boolean;
  /** The running processes that take leases; empty if the host is not live. */
  running(host: Host): LeaseHolder[];
  /** The last offers of the servers, for each running client. */
  leases(host: Host): Promise<KnownLeases>;
  /** The values that the next lease events bring, for each lease of each running client. */
  forecasts?(host: Host, desired: ConfiguredState, holds: HoldsAtLease): Promise<LeaseForecast[]>;
  /** The resources that keep a lease from undoing the configuration. At least one; the first one holds `dns` at a lease. */
  readonly resources: readonly ClientResource[];
  /** Paths or names of the scripts that run at its events, and source our hook or are our hook. */
  scripts(host: Host): readonly string[];
  /**
   * Files of the first resource in which a part of ours is left, although the client is not here. Absent if there can
   * be none: drop-ins for systemd-networkd lie below our own state folder, and rdnssd's package owns its hook. Without
   * the client and without such a file, the client's resources have no findings.
   */
  orphans?(host: Host): readonly string[];
  /** Kernel settings that the client writes on its own account. */
  sysctls?(host: Host): readonly ProgramSysctl[];
  /**
   * How the client is rehearsed as a whole on this interface. Throws HostError if no lease is recorded, or the client
   * cannot be played. If it is left out, the client cannot be rehearsed so.
   */
  stage?(host: Host, holder: LeaseHolder, iface: string): Promise<StagePlan>;
  /** Files whose change means that another lease may have come. */
  readonly leaseFiles: readonly string[];
}

export interface ClientResource {
  /** As `--only` names it. */
  readonly name: string;
  /** Whether `apply` comes to it before resolv.conf, so that no lease event undoes later changes, or after it. */
  readonly turn: 'before resolv.conf' | 'after resolv.conf';
  make(host: Host, desired: DesiredState, around: ClientSurroundings): Resource;
  readonly undoing: Undoing;
  /** Whether its files are scripts of ours, which operators do not read line by line. */
  readonly keepsScripts?: true;
}

/** The facts about the rest of the host that a client's resource gets. */
export interface ClientSurroundings {
  readonly known: KnownFiles;
  /** The running clients of every program. */
  holders(): readonly LeaseHolder[];
}

/** One running DHCP client. */
export interface LeaseHolder {
  readonly program: LeaseProgram;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /**
   * The interfaces that it serves now; `all` if it was started without an interface and serves every interface that it
   * finds.
   */
  readonly interfaces: readonly string[] | 'all';
  /** 6: it serves IPv6 only. Left out for the others. */
  readonly family?: 6;
  /**
   * The interfaces, of `interfaces`, on which the program has IPv6 and no lease of IPv4. Another program may take IPv4
   * there. Left out if there are none.
   */
  readonly only6?: readonly string[];
}

/** "dhcpcd[900] on eth0". */
export function holderName({ program, pid, interfaces }: Omit<LeaseHolder, 'started' | 'family' | 'only6'>): string {
  const where = interfaces === 'all' ? 'all interfaces' : interfaces.join(', ') || 'no interface';
  return `${program}[${pid}] on ${where}`;
}
