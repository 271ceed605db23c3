/** The UDP sockets of this network namespace that take what is sent to a port (proc_pid_net(5)). */
import { addressOfBytes } from '../../address/address-checks.ts';
import { commOf, nullIfGone, procText } from './proc.ts';
import { socketOwners } from './socket-owners.ts';

export interface PortListener {
  /** `0.0.0.0` or `::` if it takes packets to every address. */
  readonly address: string;
  /** null if we may not see the descriptors of its process. */
  readonly owner: { readonly pid: number; readonly comm: string } | null;
}

export function udpListeners(port: number): PortListener[] {
  const sockets = ['net/udp', 'net/udp6'].flatMap((table) =>
    socketsIn(nullIfGone(() => procText('self', table)) ?? '', port),
  );
  const owners = socketOwners(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, inode }) => {
    const pid = owners.get(inode);
    const comm = pid === undefined ? null : nullIfGone(() => commOf(pid));
    return { address, owner: pid === undefined || comm === null ? null : { pid, comm } };
  });
}

/** The listeners that get packets for this address: the sockets of the address itself, or else those of every address. */
export function listenersAt(address: string, port: number): PortListener[] {
  const all = udpListeners(port).filter(({ address: at }) => at === address || ['0.0.0.0', '::'].includes(at));
  const exact = all.filter(({ address: at }) => at === address);
  return exact.length > 0 ? exact : all;
}

/** Sockets that are connected to another port are left out. */
export function socketsIn(table: string, port: number): { readonly address: string; readonly inode: number }[] {
  return table.split('\n').flatMap((line) => {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    const [words, own] = local?.split(':') ?? [];
    if (words === undefined || Number.parseInt(own ?? '', 16) !== port || !remote?.endsWith(':0000')) return [];
    return [{ address: addressIn(words), inode: Number(inode) }];
  });
}

/** Words of 32 bits, each in the byte order of the host, which is little-endian on every machine that we run on. */
function addressIn(words: string): string {
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  return addressOfBytes(Uint8Array.from(bytes));
}
