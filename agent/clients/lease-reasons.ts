/**
 * The events of a lease, named as in dhclient-script(8) and dhcpcd-run-hooks(8). `BOUND` and `REBOOT` follow a start of the
 * client; `TIMEOUT` follows a start that no server answered. At `NAK` the server refuses the lease. `RELOAD`: another
 * program has the running client read its configuration again. `REAPPLY`: another program also has it apply what it read to
 * the device. A 6 behind the name: the same of a lease of DHCPv6.
 */
export const LEASE_REASONS = [
  ...(['RENEW', 'REBIND', 'REBOOT', 'BOUND', 'TIMEOUT', 'EXPIRE', 'NAK', 'RELOAD', 'REAPPLY'] as const),
  ...(['RENEW6', 'REBIND6', 'REBOOT6', 'TIMEOUT6', 'EXPIRE6'] as const),
] as const;
export type LeaseReason = (typeof LEASE_REASONS)[number];

export const isOfDhcp6 = (reason: LeaseReason) => reason.endsWith('6');
