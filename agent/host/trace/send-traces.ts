/**
 * Sees every program that sends to one address, by kprobes on the kernel's functions behind sendto(2) and connect(2).
 * The kernel filters by the address. Where an argument has the address is no ABI, so the probes are proved by sends of
 * our own before anybody believes them (send-proof.ts).
 */
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { errorCode, errorMessage } from '../errors.ts';
import { addKprobe, findKprobes, removeKprobe, removeStale, TraceInstance, type TraceRecord } from './tracefs.ts';

export type SendProtocol = 'UDP' | 'TCP';

export interface SeenSend extends Pick<TraceRecord, 'thread' | 'comm' | 'time'> {
  readonly protocol: SendProtocol;
}

interface SendPoint {
  readonly name: string;
  readonly protocol: SendProtocol;
  /** The function, and where its arguments have addresses. */
  readonly what: string;
  readonly filter: (words: readonly string[]) => string;
}

/**
 * udp_sendmsg(sock, msghdr, …): msghdr begins with the pointer to the destination, null on a connected socket. A sock
 * begins with the IPv4 destination, and has that of IPv6 at byte 56 (struct sock_common). An IPv4 address that is
 * mapped into IPv6 passes through the functions of IPv4.
 */
const POINTS: Readonly<Record<Family, readonly SendPoint[]>> = {
  ipv4: [
    {
      name: 'send_udp4',
      protocol: 'UDP',
      what: 'udp_sendmsg name=+0($arg2):u64 sock=+0($arg1):u32 to=+4(+0($arg2)):u32',
      filter: ([word]) => `(name == 0 && sock == ${word}) || (name != 0 && to == ${word})`,
    },
    {
      name: 'send_tcp4',
      protocol: 'TCP',
      what: 'tcp_v4_connect to=+4($arg2):u32',
      filter: ([word]) => `to == ${word}`,
    },
  ],
  ipv6: [
    {
      name: 'send_udp6',
      protocol: 'UDP',
      what: 'udpv6_sendmsg name=+0($arg2):u64 sock1=+56($arg1):u64 sock2=+64($arg1):u64 to1=+8(+0($arg2)):u64 to2=+16(+0($arg2)):u64',
      filter: ([one, two]) =>
        `(name == 0 && sock1 == ${one} && sock2 == ${two}) || (name != 0 && to1 == ${one} && to2 == ${two})`,
    },
    {
      name: 'send_tcp6',
      protocol: 'TCP',
      what: 'tcp_v6_connect to1=+8($arg2):u64 to2=+16($arg2):u64',
      filter: ([one, two]) => `to1 == ${one} && to2 == ${two}`,
    },
  ],
};
const INSTANCE = 'sends';
/** Kilobytes a CPU: some thousand records. */
const BUFFER = 128;

export class SendTrace {
  readonly #tracefs: string;
  readonly #instance: TraceInstance;
  readonly #points: readonly SendPoint[];

  /** Sees sends to `address`, in canonical form. Throws an Error with a short reason if this host cannot trace them. */
  constructor(address: IpAddress) {
    const found = findKprobes();
    if ('reason' in found) throw new Error(found.reason);
    this.#tracefs = found.folder;
    this.#points = POINTS[familyOf(address)];
    removeStale(this.#tracefs);
    try {
      this.#instance = new TraceInstance(this.#tracefs, INSTANCE, BUFFER);
    } catch (error) {
      const busy = errorCode(error) === 'EEXIST';
      throw new Error(busy ? 'another agent watches already' : `no instance of tracefs (${errorMessage(error)})`);
    }
    try {
      for (const { name, what } of this.#points) addKprobe(this.#tracefs, name, what);
      this.aim(address);
    } catch (error) {
      this.close();
      throw new Error(`the kernel refuses the probes (${errorMessage(error)})`);
    }
  }

  /** From now on sends to this address, of the same family. */
  aim(address: IpAddress): void {
    const words = wordsOf(address);
    for (const { name, filter } of this.#points) this.#instance.enable(name, filter(words));
  }

  /** Sends since the last call, and how many records were overwritten before we read them. Never waits. */
  take(): { readonly sends: SeenSend[]; readonly lost: number } {
    const { records, lost } = this.#instance.take();
    const sends = records.flatMap(({ thread, comm, time, event }) => {
      const point = this.#points.find(({ name }) => name === event);
      return point === undefined ? [] : [{ thread, comm, time, protocol: point.protocol }];
    });
    return { sends, lost };
  }

  close(): void {
    this.#instance.close();
    for (const { name } of this.#points) removeKprobe(this.#tracefs, name);
  }
}

/** The address as the kernel's numbers read it from memory: one of 32 bits, or two of 64. */
function wordsOf(address: IpAddress): string[] {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  if (bytes.length === 4) return [String(bytes.readUInt32LE())];
  return [0, 8].map((at) => `0x${bytes.readBigUInt64LE(at).toString(16)}`);
}
