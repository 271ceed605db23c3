/**
 * The talk between a host on trial and its collector: `POST /v1/confirm`. Question and answer carry an HMAC-SHA256 keyed
 * by the token, which itself is not sent. A proxy's 200, another receiver or a forger can therefore make no
 * acknowledgement, also where nothing is encrypted.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const CONFIRM_PATH = '/v1/confirm';
/** The header of the answer with its seal. */
export const SEAL_HEADER = 'holdfast-seal';
/** Bytes of the longest question and answer. */
export const LARGEST_TALK = 32 * 1024;
/**
 * Characters that fill up question and answer. Full packets must pass in both directions, also where packets are 9,000
 * bytes long. A smaller answer would get through a path that loses full packets.
 */
export const FILLING = 'x'.repeat(10_000);
/** The most hosts behind a router that a question may name. */
export const MOST_BEHIND = 8;

export interface TalkQuestion {
  /** 32 hexadecimal digits, never used before. */
  readonly nonce: string;
  /** The change id. */
  readonly change: string;
  /** `host.id` of the heartbeats. */
  readonly host: string;
  /** The TCP port that the collector is to reach at the sender's address; null for none. */
  readonly inbound: number | null;
  /** Names or ids of hosts behind this host. */
  readonly behind: readonly string[];
  readonly filling: string;
}

export interface TalkAnswer {
  /** The next three are those of the question. */
  readonly nonce: string;
  readonly change: string;
  readonly host: string;
  /** The address from which the question came. */
  readonly address: string;
  /** null if no port was named. */
  readonly inbound: (InboundTry & { readonly port: number }) | null;
  readonly behind: readonly BehindHost[];
  readonly filling: string;
}

export interface InboundTry {
  /** False if the collector opened no connection, as too many are under way: then `why` says nothing about the host. */
  readonly tried: boolean;
  /** Why the port was not reached, in a few words; null if it was. */
  readonly why: string | null;
}

export interface BehindHost {
  /** The name in the question. */
  readonly name: string;
  /** Milliseconds since its last heartbeat came; null if the collector knows no such host. */
  readonly age: number | null;
  readonly silent: boolean;
}

/** Derived from a token, of which a collector keeps no more than this hash. */
export type TalkKey = Buffer & { readonly talk: unique symbol };

export function keyOfToken(token: string): TalkKey {
  return keyOfHash(createHash('sha256').update(token).digest());
}

/** `hash`: SHA-256 of the token. */
export function keyOfHash(hash: Buffer): TalkKey {
  return hash as TalkKey;
}

/** Names the key without telling it, so that a collector with many tokens finds the one. */
export function keyName(key: TalkKey): string {
  return createHmac('sha256', key).update('holdfast confirm: name of the key').digest('hex').slice(0, 16);
}

/** Keeps a question from being sent back as an answer, and an answer about a trial from being one about a wave. */
export type SealDirection = 'question' | 'answer' | 'wave question' | 'wave answer';

/** The seals of one kind of talk: of its question, and of its answer. */
export interface TalkSeals {
  readonly asks: SealDirection;
  readonly answers: SealDirection;
}

export const TRIAL_SEALS = { asks: 'question', answers: 'answer' } as const;

export function seal(key: TalkKey, direction: SealDirection, body: Buffer): string {
  return createHmac('sha256', key).update(`holdfast confirm: ${direction}\n`).update(body).digest('hex');
}

export function isSealed(key: TalkKey, direction: SealDirection, body: Buffer, found: string): boolean {
  const expected = Buffer.from(seal(key, direction, body));
  const given = Buffer.from(found);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The `Authorization` header of a question. */
export function authorization(key: TalkKey, body: Buffer, direction: SealDirection = 'question'): string {
  return `Holdfast ${keyName(key)}.${seal(key, direction, body)}`;
}

/** null if the header is of another scheme. */
export function authorizationIn(header: string | undefined): { readonly key: string; readonly seal: string } | null {
  const [, key, found] = /^Holdfast +([0-9a-f]{16})\.([0-9a-f]{64})$/i.exec(header ?? '') ?? [];
  return key === undefined || found === undefined ? null : { key, seal: found };
}
