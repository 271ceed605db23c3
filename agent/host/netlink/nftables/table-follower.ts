/**
 * Listens to the kernel for changes of any nftables table, and learns who made them: each transaction ends with a
 * message that names its process (NFT_MSG_NEWGEN, linux/netfilter/nf_tables.h). An inspection then shows the state of
 * our own tables.
 */
import { Follower } from '../follower.ts';
import { attributes, NETLINK_HEADER } from '../message-layout.ts';
import { NETLINK_NETFILTER } from './nftables.ts';

/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const GROUP = 7;
/** NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN. */
const NEW_GENERATION = (10 << 8) | 15;
const NFGENMSG = 4;
const GENERATION = { pid: 2, name: 3 } as const;
/**
 * Milliseconds until the next inspection, and the least time between two: some programs change their rules all the
 * time.
 */
const LOOK = { soon: 10, between: 250 } as const;
/** Milliseconds to wait after messages were lost: in that case many more are on the way. */
const REST = 1000;
/** Names that are kept until a look takes them. */
const MOST_KEPT = 8;

export class TableFollower {
  readonly #changed: () => void;
  readonly #names = new Set<string>();
  readonly #follower: Follower;
  #soon: NodeJS.Timeout | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Throws NetlinkError if we cannot listen to the kernel. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#follower = new Follower({
      protocol: NETLINK_NETFILTER,
      groups: [GROUP],
      onMessage: (datagram) => this.#take(datagram),
      onBegin: () => this.#look(),
      pause: REST,
    });
  }

  /** The processes that changed a table since the last call, as `nft[812]`. At most eight. */
  takeNames(): string[] {
    const names = [...this.#names];
    this.#names.clear();
    return names;
  }

  close(): void {
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#follower.close();
  }

  /** NFT_MSG_NEWGEN is the only message in its datagram. All other messages are ignored. */
  #take(data: Buffer): void {
    if (data.length < NETLINK_HEADER || data.readUInt16LE(4) !== NEW_GENERATION) return;
    const name = changer(data);
    if (name !== null && this.#names.size < MOST_KEPT) this.#names.add(name);
    this.#look();
  }

  #look(): void {
    const wait = Math.max(LOOK.soon, this.#lookedAt + LOOK.between - performance.now());
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      this.#lookedAt = performance.now();
      this.#changed();
    }, wait);
  }
}

/** `nft[812]`; null if the message names no process. */
export function changer(data: Buffer): string | null {
  let pid: number | null = null;
  let name = '';
  for (const { type, start, end } of attributes(data, NETLINK_HEADER + NFGENMSG, data.length)) {
    if (type === GENERATION.pid && end - start === 4) pid = data.readUInt32BE(start);
    if (type === GENERATION.name) name = data.toString('latin1', start, end).replace(/[^\x21-\x7e]/g, '');
  }
  return pid === null || name === '' ? null : `${name}[${pid}]`;
}
