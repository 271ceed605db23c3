/**
 * Questions to FRR's zebra over its vty socket. A command ends with a NUL byte; the answer with three NUL bytes and a
 * status (vtysh_read in FRR's lib/vty.c). A new connection is in the view node, where no command changes anything.
 */
import type { Family } from '../../address/address.ts';
import { ControlSocket, type ControlSocketLimits } from './control-socket.ts';
import { Lines } from './lines.ts';

export const ZEBRA_SOCKET = '/run/frr/zebra.vty';

const SHORT: ControlSocketLimits = { time: 10_000, bytes: 2 ** 20 };

/** CMD_SUCCESS and CMD_WARNING of FRR's lib/command.h: the second also comes for a VRF that zebra does not know. */
const SUCCESS = 0;
const WARNING = 1;

/** The most types of routes in a summary. FRR 10 has 31. */
const MOST_TYPES = 100;

/**
 * The number in rt_protos by which zebra marks a type of routes (zebra2proto in FRR's zebra/rt_netlink.c). All other types
 * are `zebra`.
 */
const MARKS: Readonly<Record<string, number>> = {
  babel: 42,
  bgp: 186,
  ebgp: 186,
  ibgp: 186,
  isis: 187,
  ospf: 188,
  ospf6: 188,
  rip: 189,
  ripng: 190,
  nhrp: 191,
  eigrp: 192,
  ldp: 193,
  sharp: 194,
  pbr: 195,
  static: 196,
  openfabric: 197,
  srte: 198,
};
const ZEBRA = 11;

/** Types of routes that zebra lists but does not install: the kernel, or another program, made them. */
const NOT_INSTALLED: readonly string[] = ['system', 'kernel', 'connected', 'connect', 'local'];

/** The mark of a type of routes; null if zebra does not install routes of this type. */
export function markOf(type: string): number | null {
  return NOT_INSTALLED.includes(type) ? null : (MARKS[type] ?? ZEBRA);
}

/** The types of the letters in `show ip fib` (lib/route_types.txt). All other letters are types that have no mark of their own. */
const LETTERS: Readonly<Record<string, string>> = {
  K: 'kernel',
  C: 'connected',
  L: 'local',
  S: 'static',
  R: 'rip',
  O: 'ospf',
  I: 'isis',
  B: 'bgp',
  E: 'eigrp',
  N: 'nhrp',
  A: 'babel',
  D: 'sharp',
  F: 'pbr',
  f: 'openfabric',
};

/**
 * The first line of a route: letter, OSPF's instance, `>` for the selected route, its state, the prefix. The state is a space
 * if the first next hop is a recursive one.
 */
const ROUTE_LINE = /^([A-Za-z])(?:\[\d+\])?>([* rqto])[bs]? *([0-9A-Fa-f.:]+\/\d+) /;
const REJECTED = 'r';

/** The mark of the type that a letter in front of a route means; null if zebra does not install such routes. */
function markOfLetter(letter: string, family: Family): number | null {
  return markOf(letter === 'R' && family === 'ipv6' ? 'ripng' : (LETTERS[letter] ?? letter));
}

export class Zebra implements Disposable {
  readonly #socket: ControlSocket;

  private constructor(socket: ControlSocket) {
    this.#socket = socket;
  }

  /** Returns null if no zebra runs. Throws ControlSocketError. */
  static async open(path: string, signal: AbortSignal, limits = SHORT): Promise<Zebra | null> {
    const socket = await ControlSocket.open(path, limits, signal);
    return socket === null ? null : new Zebra(socket);
  }

  /**
   * The numbers of routes that zebra says the kernel took, by mark. null if zebra does not know the VRF. Routes that wait
   * for the kernel, that the kernel refused, or that lost against a better route are left out. Throws ControlSocketError.
   * @param vrf the name of the VRF's interface; null for the default VRF.
   */
  async installed(family: Family, vrf: string | null): Promise<Map<number, number> | null> {
    const protocol = family === 'ipv4' ? 'ip' : 'ipv6';
    const { text, status } = await this.#text(`show ${protocol} route ${ofVrf(vrf)}summary json`);
    if (status === WARNING && vrf !== null) return null;
    if (status !== SUCCESS) throw this.#socket.fault('refused', `zebra refused "show ${protocol} route summary"`);
    try {
      return parseSummary(text);
    } catch {
      throw this.#socket.fault('rubbish', 'zebra answered no summary of its routes');
    }
  }

  /**
   * Passes on the prefix and the mark of each route that zebra says the kernel took. zebra makes the whole text before it sends
   * the first byte. Throws ControlSocketError.
   */
  async routes(family: Family, vrf: string | null, take: (prefix: string, mark: number) => void): Promise<void> {
    const protocol = family === 'ipv4' ? 'ip' : 'ipv6';
    const lines = new Lines((line) => {
      const [, letter, state, prefix] = ROUTE_LINE.exec(line) ?? [];
      const mark = letter === undefined ? null : markOfLetter(letter, family);
      if (mark !== null && state !== REJECTED) take(prefix!, mark);
    });
    const status = await this.#ask(`show ${protocol} fib ${ofVrf(vrf)}`, (part) => lines.take(part));
    lines.end();
    if (status !== SUCCESS) throw this.#socket.fault('refused', `zebra refused "show ${protocol} fib"`);
  }

  async #text(command: string): Promise<{ text: string; status: number }> {
    const parts: Buffer[] = [];
    const status = await this.#ask(command, (part) => parts.push(Buffer.from(part)));
    return { text: Buffer.concat(parts).toString('latin1'), status };
  }

  /** Returns the status. */
  async #ask(command: string, takeText: (part: Buffer) => void): Promise<number> {
    const tail: number[] = [];
    await this.#socket.ask(Buffer.from(`${command.trim()}\0`, 'latin1'), (part) => {
      const nul = tail.length > 0 ? 0 : part.indexOf(0);
      if (nul !== 0) takeText(nul < 0 ? part : part.subarray(0, nul));
      if (nul >= 0) tail.push(...part.subarray(nul, nul + 5));
      if (tail.length > 4 || tail.slice(0, 3).some((byte) => byte !== 0))
        throw this.#socket.fault('rubbish', 'the answer does not end as those of zebra do');
      return tail.length === 4;
    });
    return tail[3]!;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

function ofVrf(vrf: string | null): string {
  return vrf === null ? '' : `vrf ${vrf} `;
}

/** Throws for anything that is no summary. An empty answer means that zebra has no such table yet. */
export function parseSummary(text: string): Map<number, number> {
  const counts = new Map<number, number>();
  if (text.trim() === '') return counts;
  const { routes } = JSON.parse(text) as { routes?: unknown };
  if (!Array.isArray(routes) || routes.length > MOST_TYPES) throw new Error('no list of types');
  for (const { type, fib } of routes as Record<string, unknown>[]) {
    if (typeof type !== 'string' || typeof fib !== 'number' || !Number.isSafeInteger(fib) || fib < 0)
      throw new Error('no type with a number of routes');
    const mark = markOf(type);
    if (mark !== null) counts.set(mark, (counts.get(mark) ?? 0) + fib);
  }
  return counts;
}
