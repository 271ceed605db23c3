/**
 * Compares this host's own look-ups before and after a change of DNS, to see whether the change lost anything
 * (proof.ts).
 */
import type { IpAddress } from '../../address/accepted.ts';
import type { DesiredVerify } from '../../config/desired.ts';
import { asExpected, unexpected } from '../../dns/verify.ts';

/** The host's look-up of a name. `addresses` is null if the host cannot look up at all. */
export interface LookUp {
  readonly name: string;
  readonly addresses: readonly IpAddress[] | null;
}

/**
 * Returns each loss as half a sentence. Any address found before means that DNS worked, whether `expect` has it or not.
 * In that case the proof's name must be found, with expected addresses, and the collector's name must not be lost.
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
