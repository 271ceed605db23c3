/** What this host itself finds before and after a change of DNS, and whether the change lost anything (proof.ts). */
import type { DesiredVerify } from '../config/desired.ts';
import { asExpected, unexpected } from '../resolver/verify.ts';

/** What this host finds for a name. `addresses`: null where it cannot look up at all. */
export interface LookUp {
  readonly name: string;
  readonly addresses: readonly string[] | null;
}

/**
 * What became worse, each as half a sentence. Any address that was found before means that DNS worked, whatever `expect` says
 * of it: then the proof's name must be found, and be as expected, and the collector's must not have been lost.
 */
export function lostNames(before: readonly LookUp[], after: readonly LookUp[], verify: DesiredVerify): string[] {
  const found = (one: LookUp | undefined) => one?.addresses ?? [];
  if (before.every((one) => found(one).length === 0)) return [];
  const [proof, ...others] = after as [LookUp, ...LookUp[]];
  const lost: string[] = [];
  if (!asExpected(found(proof), verify)) {
    const wrong = unexpected(found(proof), verify);
    const earlier = found(before[0]);
    if (wrong !== null) lost.push(`finds ${wrong} for ${proof.name}, which is not in ${verify.expect?.join(', ')}`);
    else
      lost.push(
        `does not find ${proof.name}${earlier.length === 0 ? '' : ` any more (before: ${earlier.join(', ')})`}`,
      );
  }
  for (const [index, other] of others.entries()) {
    const earlier = found(before[index + 1]);
    if (earlier.length > 0 && found(other).length === 0)
      lost.push(`does not find ${other.name} any more (before: ${earlier.join(', ')})`);
  }
  return lost;
}
