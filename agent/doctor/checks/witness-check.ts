/** How the daemon can learn which process changed a held setting (daemon/heal/witness.ts). Makes no trial. */
import { type Offer, offered } from '../../host/trace/file-traces.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* witnessCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (host.live && host.root === '/') yield { code: 'HF-WHO', seen: told(offered()) };
}

function told({ means, reason }: Offer): string {
  if (means === null)
    return `the daemon can name a program that changes a held setting only by what the program writes: ${reason}`;
  const why = reason === null ? '' : ` (${reason})`;
  return `after a held setting has drifted once, the daemon names the process that changes it again, by ${means}${why}`;
}
