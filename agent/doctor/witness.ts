/** By which way the daemon learns which process changed what it holds: see daemon/witness.ts. Nothing is tried. */
import { type Offer, offered } from '../host/file-trace.ts';
import type { Seen, Surroundings } from './check.ts';

export function* witness({ host }: Surroundings): Iterable<Seen> {
  if (host.live && host.root === '/') yield { code: 'HF-WHO', seen: told(offered()) };
}

function told({ means, reason }: Offer): string {
  if (means === null) return `which process changes a held setting is not known here, but by what it writes: ${reason}`;
  const why = reason === null ? '' : `, since ${reason}`;
  return `which process changes a held setting the second time the kernel tells here, by ${means}${why}`;
}
