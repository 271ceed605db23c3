/** Runs nft(8), the only program that can turn rules into what the kernel takes. */
import type { Host } from '../host.ts';

export const NFT_MISSING = 'nft is missing: install the package nftables';

/** Bytes. The kernel takes 128 KiB for one argument. */
const LONGEST_ARGUMENT = 100_000;

/**
 * Runs one transaction. Returns the error, in which case nothing was changed; null if all of it was done. The rules are
 * an argument, because nft 0.9.8 (Debian 11) opens its standard input by name, and Node gives it a socket, which no
 * program can open.
 */
export function nft(host: Host, script: string): string | null {
  const isShort = Buffer.byteLength(script) <= LONGEST_ARGUMENT;
  const { status, stderr, error } = isShort
    ? host.run('nft', [script])
    : host.run('nft', ['-f', '-'], { input: script });
  if (status === 0) return null;
  if (error?.includes('ENOENT')) return NFT_MISSING;
  return `nft refuses the rules: ${error ?? stderr.trim().split('\n')[0]}`;
}
