/** Access to the collector: the addresses where it may listen, and the tokens that it accepts. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { bareHost } from '../../address/address.ts';
import { tokensIn } from '../../config/proofs.ts';
import { keyName, keyOfHash, type TalkKey } from '../../confirm/wire/acknowledgement.ts';

/** Parses `host:port`, such as `127.0.0.1:4318` or `[::1]:4318`. Throws if the text is neither. */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`"${listen}" is not HOST:PORT, such as 127.0.0.1:4318`);
  return { host, port };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * A foreign web page can give its own name the address 127.0.0.1 (DNS rebinding), but its requests then carry that
 * name. Without a token we therefore answer only requests to names of the loopback.
 */
export function namesLoopback(request: IncomingMessage): boolean {
  const host = bareHost((request.headers.host ?? '').replace(/:\d+$/, ''));
  return isLoopback(host);
}

/**
 * Tokens from a file, one a line, with comments. The file is read again after a change, so tokens can be replaced without a restart.
 */
export class Tokens {
  readonly #file: string;
  #read = '';
  #hashes: readonly Buffer[] = [];
  /** The keys of talks about trials, by their names; null until the first is asked for. */
  #talkKeys: ReadonlyMap<string, TalkKey> | null = null;

  /** Throws if the file cannot be read or holds no token. */
  constructor(file: string) {
    this.#file = file;
    this.refresh();
  }

  /** Reads the file again if it has changed. Throws as the constructor does, and then keeps the old tokens. */
  refresh(): void {
    try {
      this.#refresh();
    } catch (error) {
      throw new Error(`${this.#file} cannot be used: ${(error as Error).message}`);
    }
  }

  #refresh(): void {
    const read = stateOf(this.#file);
    if (read === this.#read) return;
    this.#hashes = tokensIn(readFileSync(this.#file, 'utf8')).map(hash);
    this.#talkKeys = null;
    this.#read = read;
  }

  /** The key of a talk about a trial, by its name; null if no token has it. */
  talkKey(name: string): TalkKey | null {
    this.#talkKeys ??= new Map(this.#hashes.map(keyOfHash).map((key) => [keyName(key), key]));
    return this.#talkKeys.get(name) ?? null;
  }

  /** `Authorization: Bearer TOKEN` (RFC 6750). */
  admit({ headers }: IncomingMessage): boolean {
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (given === undefined) return false;
    const hashed = hash(given);
    return this.#hashes.some((known) => timingSafeEqual(known, hashed));
  }
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** A text that changes whenever the file changes or disappears. */
export function stateOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs} ${found.size} ${found.ino}`;
}
