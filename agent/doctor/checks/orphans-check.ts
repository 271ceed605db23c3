/** Files that Holdfast made for a DHCP client which is no longer installed, as after a migration. */
import { CLIENTS } from '../../clients/clients.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* orphansCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  // The programs of another root may lie elsewhere.
  if (!host.live) return;
  for (const { program, orphans } of CLIENTS) {
    const files = orphans?.(host) ?? [];
    if (files.length === 0) continue;
    yield { code: 'HF-HOOK-ORPHAN', seen: `${files.join(' and ')}: for ${program}, which is not installed` };
  }
}
