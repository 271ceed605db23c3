/**
 * A table for one address and a short time: counts who sends anything to it, and may reject it. Its element expires in
 * the kernel, so that a command that was killed leaves a table without effect.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { lockForLife } from '../../host/files/lock.ts';
import type { Host } from '../../host/host.ts';
import { NFT_MISSING, nft } from '../../host/kernel/nft.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { lockOfTable, type OneAddressTable, removedTable } from './our-tables.ts';
import { countingChains, countingSets, FAMILIES, type LedgerShape } from './table-text.ts';

export interface OneAddress {
  readonly table: OneAddressTable;
  readonly address: IpAddress;
  /** Whole seconds until the kernel forgets the address. */
  readonly seconds: number;
  /** Reject what is sent to the address: TCP by a reset, everything else by an error at the sender. */
  readonly reject: boolean;
}

/** Seconds that the counts outlive the address, so that the last reading has all of them. */
const GRACE = 600;

/**
 * Makes the table, in place of one that a killed process left. Only one process at a time has it. Returns its shape, and why it cannot count control
 * groups (null if it can); or the problem, in which case nothing was changed. Throws HostError if /run cannot be
 * written.
 */
export function makeOneAddressTable(
  host: Host,
  one: OneAddress,
): { readonly shape: LedgerShape; readonly unitless: string | null } | { readonly problem: string } {
  host.makeFolder(RUN_FOLDER, 0o755);
  const other = lockForLife(host.locate(lockOfTable(one.table)));
  if (other !== null) return { problem: `another command does the same just now${other && ` (process ${other})`}` };
  const expiry = one.seconds + GRACE;
  const unitless = nft(host, tableText(one, { expiry, units: true }));
  if (unitless === null) return { shape: { expiry, units: true }, unitless };
  const problem = unitless === NFT_MISSING ? unitless : nft(host, tableText(one, { expiry, units: false }));
  return problem === null ? { shape: { expiry, units: false }, unitless } : { problem };
}

export function removeOneAddressTable(host: Host, table: OneAddressTable): string | null {
  return nft(host, removedTable(table));
}

function tableText({ table, address, seconds, reject }: OneAddress, shape: LedgerShape): string {
  const { family, digit } = FAMILIES.find((one) => one.family === familyOf(address))!;
  const to = `${family === 'ipv4' ? 'ip' : 'ip6'} daddr @address`;
  const hook = (name: 'output' | 'forward', chain: string) => [
    `chain ${name} {`,
    // After the ledger (-10), which counts what is rejected here.
    `type filter hook ${name} priority 0; policy accept;`,
    `${to} jump ${chain}${digit}`,
    ...(reject ? [`${to} meta l4proto tcp reject with tcp reset`, `${to} reject`] : []),
    '}',
  ];
  const lines = [
    ...FAMILIES.flatMap((one) => countingSets(one.digit, shape)),
    `set address { type ipv${digit}_addr; flags timeout; elements = { ${address} timeout ${seconds}s } }`,
    ...countingChains(family, digit, shape),
    ...hook('output', 'sent'),
    ...hook('forward', 'passed'),
  ];
  return `${removedTable(table)}table inet ${table} {\n${lines.join('\n')}\n}\n`;
}
