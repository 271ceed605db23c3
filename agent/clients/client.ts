/** The contract of DHCP clients. One file for each program finds its running processes and their interfaces. */

/** The programs' usual names; the kernel cuts the comm of systemd-networkd after 15 characters. */
export const LEASE_PROGRAMS = ['dhclient', 'dhcpcd', 'NetworkManager', 'systemd-networkd'] as const;
export type LeaseProgram = (typeof LEASE_PROGRAMS)[number];

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
}

/** "dhcpcd[900] on eth0". */
export function holderName({ program, pid, interfaces }: LeaseHolder): string {
  const where = interfaces === 'all' ? 'all interfaces' : interfaces.join(', ') || 'no interface';
  return `${program}[${pid}] on ${where}`;
}
