/**
 * Shares the allowed connections among the source addresses. An address may use all free connections. If none is free,
 * the address with the most gives one to an address with fewer.
 */
import type { Socket } from 'node:net';
import { networkOf } from './sender.ts';

/** The two sockets of a connection, with TLS and below it, have the same name. */
type Name = string;

export class Connections {
  readonly #most: number;
  /** The connections of each address, the longest without a request first. */
  readonly #of = new Map<string, Map<Name, Socket>>();
  /** Addresses by their number of connections. */
  readonly #byCount = new Map<number, Set<string>>();
  #largest = 0;
  #total = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Keeps an accepted connection, or ends it if its address already has as many as any other address. */
  take(socket: Socket): void {
    const address = networkOf(socket.remoteAddress ?? '');
    if (this.#total >= this.#most && !this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    this.#resize(address, (own) => own.set(name, socket));
    socket.once('close', () => this.#drop(address, name, socket));
  }

  /** Notes that a request came by this connection. */
  used(socket: Socket): void {
    const own = this.#of.get(networkOf(socket.remoteAddress ?? ''));
    const name = nameOf(socket);
    const known = own?.get(name);
    if (known === undefined) return;
    own!.delete(name);
    own!.set(name, known);
  }

  /** False if the address already has as many connections as any other address. */
  #makeRoom(address: string): boolean {
    if ((this.#of.get(address)?.size ?? 0) + 1 >= this.#largest) return false;
    const [largest] = this.#byCount.get(this.#largest)!;
    const [[name, socket]] = this.#of.get(largest!)! as unknown as [[Name, Socket]];
    this.#drop(largest!, name, socket);
    socket.destroy();
    return true;
  }

  #drop(address: string, name: Name, socket: Socket): void {
    if (this.#of.get(address)?.get(name) === socket) this.#resize(address, (own) => own.delete(name));
  }

  #resize(address: string, change: (own: Map<Name, Socket>) => void): void {
    const own = this.#of.get(address) ?? new Map<Name, Socket>();
    const before = own.size;
    change(own);
    this.#total += own.size - before;
    if (own.size === 0) this.#of.delete(address);
    else this.#of.set(address, own);
    this.#byCount.get(before)?.delete(address);
    if (own.size > 0) {
      const same = this.#byCount.get(own.size) ?? new Set();
      this.#byCount.set(own.size, same.add(address));
    }
    if (this.#byCount.get(before)?.size === 0) this.#byCount.delete(before);
    this.#largest = Math.max(this.#largest, own.size);
    while (this.#largest > 0 && !this.#byCount.has(this.#largest)) this.#largest -= 1;
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): Name {
  return `${remoteAddress} ${remotePort}`;
}
