/** The contract of everything that takes leases: one file a program finds those that run, and what they serve. */

/** As people know them; the kernel's comm of systemd-networkd is cut after 15 characters. */
export type LeaseProgram = 'dhclient' | 'dhcpcd' | 'NetworkManager' | 'systemd-networkd';

/** One running DHCP client. */
export interface LeaseHolder {
  readonly program: LeaseProgram;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** Those that it serves now; `all`: it was told none, and takes every one that it finds. */
  readonly interfaces: readonly string[] | 'all';
}

/** "dhcpcd[900] on eth0". */
export function holderName({ program, pid, interfaces }: LeaseHolder): string {
  const where = interfaces === 'all' ? 'all interfaces' : interfaces.join(', ') || 'no interface';
  return `${program}[${pid}] on ${where}`;
}
