/**
 * Questions to BIRD 2 over its control socket. Each line of an answer begins with a code of four digits and a
 * hyphen, or with a space, which means the code of the line before. The last line has a space behind its code
 * (doc/reply_codes of BIRD).
 */
import type { Family } from '../../address/address.ts';
import { ControlSocket, type ControlSocketLimits } from './control-socket.ts';
import { Lines } from './lines.ts';

/** The control sockets of Debian's BIRD, and of a BIRD with default paths. */
export const BIRD_SOCKETS = ['/run/bird/bird.ctl', '/run/bird.ctl'] as const;

/** A BIRD with 20,000 protocols lists them in 2 MiB. */
const SHORT: ControlSocketLimits = { time: 10_000, bytes: 8 * 2 ** 20 };

/** The most kernel protocols that are asked for. */
const MOST_KERNELS = 64;

const FAMILIES: Readonly<Record<string, Family>> = { ipv4: 'ipv4', ipv6: 'ipv6', 'ipv6-sadr': 'ipv6' };

/** One channel of a kernel protocol, through which BIRD puts routes into one table of the kernel. */
export interface KernelChannel {
  readonly protocol: string;
  readonly family: Family;
  /** False while the protocol, or this channel, is off or starts. Its routes may then still be in the kernel. */
  readonly up: boolean;
  /** The routes that BIRD put into the kernel, or tried to. */
  readonly exported: number;
}

export class Bird implements Disposable {
  readonly #socket: ControlSocket;

  private constructor(socket: ControlSocket) {
    this.#socket = socket;
  }

  /** Returns null if no BIRD runs. The connection may only look, by BIRD's own restriction. Throws ControlSocketError. */
  static async open(path: string, signal: AbortSignal, limits = SHORT): Promise<Bird | null> {
    const socket = await ControlSocket.open(path, limits, signal);
    if (socket === null) return null;
    const bird = new Bird(socket);
    try {
      await bird.#ask(null, () => {});
      await bird.#ask('restrict', () => {});
      return bird;
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Whether BIRD runs as usual. While BIRD recovers from a graceful restart, is reconfigured or shuts down, its counts say
   * nothing about the kernel.
   */
  async settled(): Promise<boolean> {
    const lines: string[] = [];
    await this.#ask('show status', (line) => lines.push(line));
    const unsettled = lines.some((line) => /graceful restart recovery|in progress/i.test(line));
    return !unsettled && lines.some((line) => line === 'Daemon is up and running');
  }

  /** The channels of all kernel protocols. Throws ControlSocketError. */
  async kernelChannels(): Promise<KernelChannel[]> {
    const names: string[] = [];
    await this.#ask('show protocols', (line) => {
      const [name = '', type] = line.split(/\s+/);
      if (type === 'Kernel') names.push(name);
    });
    if (names.length > MOST_KERNELS)
      throw this.#socket.fault('rubbish', `BIRD has more than ${MOST_KERNELS} kernel protocols`);
    const channels: KernelChannel[] = [];
    for (const name of names) {
      const channelsOf = new ChannelParser(name);
      await this.#ask(`show protocols all ${this.#quoted(name)}`, (line) => channelsOf.take(line));
      channels.push(...channelsOf.channels);
    }
    return channels;
  }

  /** Passes on the prefix of each route that BIRD puts into the kernel by this protocol. Throws ControlSocketError. */
  routes(protocol: string, take: (prefix: string) => void): Promise<void> {
    return this.#ask(`show route export ${this.#quoted(protocol)}`, (line) => {
      const [, prefix] = /^([0-9A-Fa-f.:]+\/\d+) /.exec(line) ?? [];
      if (prefix !== undefined) take(prefix);
    });
  }

  #quoted(name: string): string {
    if (/^[A-Za-z_]\w*$/.test(name)) return name;
    if (/^[\w.:-]+$/.test(name)) return `'${name}'`;
    throw this.#socket.fault('rubbish', 'BIRD names a protocol with characters that no name has');
  }

  /** `take` gets each line of the answer without its code. */
  async #ask(question: string | null, take: (line: string) => void): Promise<void> {
    let code = 0;
    let over = false;
    const lines = new Lines((line) => {
      if (over) throw this.#socket.fault('rubbish', 'BIRD said more after the end of its answer');
      const [, number, sign, text] = /^(\d{4})([ -])(.*)$/.exec(line) ?? [];
      if (number !== undefined) code = Number(number);
      else if (!line.startsWith(' ') || code === 0) {
        throw this.#socket.fault('rubbish', 'the answer is not in the form of BIRD’s answers');
      }
      over = sign === ' ';
      // The codes from 8000 on are errors.
      if (code >= 8000) throw this.#socket.fault('refused', `BIRD refused "${question}" (code ${code})`);
      take(text ?? line.slice(1));
    });
    await this.#socket.ask(question === null ? null : Buffer.from(`${question}\n`, 'latin1'), (part) => {
      lines.take(part);
      return over;
    });
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Reads `show protocols all NAME`. */
class ChannelParser {
  readonly channels: KernelChannel[] = [];
  readonly #protocol: string;
  #protocolUp = false;
  #family: Family | null = null;
  #channelUp = false;

  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  take(line: string): void {
    const [name, type, , state] = line.split(/\s+/);
    if (name === this.#protocol && type === 'Kernel') this.#protocolUp = state === 'up';
    const [, channel] = /^\s*Channel (\S+)$/.exec(line) ?? [];
    if (channel !== undefined) this.#family = FAMILIES[channel] ?? null;
    const [, channelState] = /^\s*State:\s+(\S+)$/.exec(line) ?? [];
    if (channelState !== undefined) {
      this.#channelUp = channelState === 'UP';
      // A channel that is down has no line of its routes.
      if (!this.#channelUp) this.#add(0);
    }
    const [, exported] = /^\s*Routes:.*\b(\d{1,10}) exported\b/.exec(line) ?? [];
    if (exported !== undefined && this.#channelUp) this.#add(Number(exported));
  }

  #add(exported: number): void {
    if (this.#family === null) return;
    const up = this.#protocolUp && this.#channelUp;
    this.channels.push({ protocol: this.#protocol, family: this.#family, up, exported });
  }
}
