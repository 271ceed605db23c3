/** Whether this kernel enforces net.ipv6.route.max_size (host/kernel/route-limit.ts). */
import { ipv6RouteLimit } from '../../host/kernel/route-limit.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* routeLimitCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const limit = host.live ? ipv6RouteLimit(host) : null;
  if (limit === null) return;
  const { value, enforced, release, why } = limit;
  const is = `net.ipv6.route.max_size is ${value} here`;
  if (enforced === true) {
    yield { code: 'HF-MAX-SIZE-ENFORCED', seen: `${is}, and Linux ${release} enforces it: ${why}` };
  } else if (enforced === false) {
    yield {
      code: 'HF-MAX-SIZE-IGNORED',
      seen: `${is} and has no effect: Linux ${release} does not enforce it (${why})`,
    };
  } else {
    yield { code: 'HF-UNSEEN', seen: `${is}; could not find out whether Linux ${release} enforces it: ${why}` };
  }
}
