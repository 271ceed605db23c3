/** Runs nft(8), the only program that can turn rules into what the kernel takes. */
import type { Host } from '../host.ts';

export const NFT_MISSING = 'nft is missing: install the package nftables';

/** Runs one transaction. Returns the error, in which case nothing was changed; null if all of it was done. */
export function nft(host: Host, script: string): string | null {
  const { status, stderr, error } = host.run('nft', ['-f', '-'], { input: script });
  if (status === 0) return null;
  if (error?.includes('ENOENT')) return NFT_MISSING;
  return `nft refuses the rules: ${error ?? stderr.trim().split('\n')[0]}`;
}
