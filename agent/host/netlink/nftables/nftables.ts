/**
 * Reads a table of nf_tables from the kernel (linux/netfilter/nf_tables.h, nfnetlink.h), to see without starting a
 * process whether it is unchanged. It does not interpret the rules: only nft(8) can.
 */
import { dump, type Gatherer } from '../dump.ts';
import { attribute, attributes, NETLINK_HEADER, NFTABLES } from '../message-layout.ts';
import { NetlinkError, NetlinkSocket } from '../socket.ts';

export const NETLINK_NETFILTER = 12;
export const NFPROTO_INET = 1;
/** Bytes of struct nfgenmsg: family, version, and a number that changes with every change of any table. */
export const NFGENMSG = 4;

/**
 * The kinds of objects, in reading order: message types, the attribute with the table's name, and the compared
 * attributes. Handles and positions are not compared, because they differ each time the same table is made.
 */
const TABLE = { new: 0, get: 1, name: 1, compared: [1, 2, 3, 6] } as const; // name, flags, use, userdata
/** The handle tells a table from an equal one that was made later (Linux 4.17). */
const MADE_TABLE = { ...TABLE, compared: [...TABLE.compared, 4] } as const;
const CHAIN = { new: 3, get: 4, name: 1, compared: [3, 4, 5, 6, 7, 10] } as const; // name, hook, policy, use, type, flags
const RULE = { new: 6, get: 7, name: 1, compared: [2, 4] } as const; // chain, expressions
type Kind = typeof TABLE | typeof MADE_TABLE | typeof CHAIN | typeof RULE;

/** Errors of a kernel without nf_tables, or without the module loaded: no table can exist in that case. */
const NONE: readonly string[] = ['EPROTONOSUPPORT', 'EAFNOSUPPORT', 'EOPNOTSUPP', 'EINVAL'];

/**
 * A text that identifies the content of the table `name` of the family inet, with chains and rules. The text stays the
 * same while the table stays the same; null if there is no such table. Use counts are part of the text. With `made`, an
 * equal table that was made later has another text. Throws NetlinkError.
 */
export async function tableIdentity(
  name: string,
  signal: AbortSignal,
  { made = false }: { made?: boolean } = {},
): Promise<string | null> {
  try {
    using socket = await NetlinkSocket.open(NETLINK_NETFILTER);
    const [table = null] = await list(socket, made ? MADE_TABLE : TABLE, name, signal);
    if (table === null) return null;
    const chains = await list(socket, CHAIN, name, signal);
    const rules = await list(socket, RULE, name, signal);
    return [table, ...chains, ...rules].join(' ');
  } catch (error) {
    if (error instanceof NetlinkError && NONE.includes(error.code)) return null;
    throw error;
  }
}

function list(socket: NetlinkSocket, kind: Kind, table: string, signal: AbortSignal): Promise<string[]> {
  const header = Buffer.alloc(NFGENMSG);
  header[0] = NFPROTO_INET;
  // The kernel filters only rules by table. For chains the same filter is harmless.
  const body = Buffer.concat([header, attribute(kind.name, Buffer.from(`${table}\0`))]);
  const request = { get: NFTABLES | kind.get, gives: NFTABLES | kind.new, body };
  return dump(socket, request, () => new Identities(kind, table), signal);
}

export class Identities implements Gatherer<string[]> {
  readonly #kind: Kind;
  readonly #table: string;
  readonly #found: string[] = [];

  constructor(kind: Kind, table: string) {
    this.#kind = kind;
    this.#table = table;
  }

  take(data: Buffer, at: number, end: number): false {
    const all = [...attributes(data, at + NETLINK_HEADER + NFGENMSG, end)];
    const name = all.find(({ type }) => type === this.#kind.name);
    if (name === undefined || data.toString('latin1', name.start, name.end) !== `${this.#table}\0`) return false;
    const compared = all.filter(({ type }) => (this.#kind.compared as readonly number[]).includes(type));
    this.#found.push(
      compared.map(({ type, start, end }) => `${type}:${data.toString('base64', start, end)}`).join(','),
    );
    return false;
  }

  result(): string[] {
    return this.#found;
  }
}
