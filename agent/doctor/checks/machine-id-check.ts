/** Whether this host's machine-id came with a copied disk, as far as the host itself can see. */
import { machineBefore } from '../../host/machine.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

const MACHINE_ID = '/etc/machine-id';
const CLOUD = '/var/lib/cloud';

export function* machineIdCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!host.live) return;
  const before = machineBefore(host);
  if (before !== null) {
    const seen = `${MACHINE_ID} was first seen on a machine with ${before.join(', ')}; this machine has none of these`;
    yield { code: 'HF-MACHINE-ID-CLONE', seen };
    return;
  }
  // cloud-init names the previous instance of this disk, and keeps the time when that instance's boot ended.
  const instance = (name: string) => host.readText(`${CLOUD}/data/${name}`)?.trim() ?? '';
  const [now, last] = [instance('instance-id'), instance('previous-instance-id')];
  if (now === last || !/^[\w.:-]+$/.test(last)) return;
  const end = host.stat(`${CLOUD}/instances/${last}/boot-finished`)?.mtimeMs;
  const made = host.stat(MACHINE_ID)?.mtimeMs;
  if (end === undefined || made === undefined || made > end) return;
  yield {
    code: 'HF-MACHINE-ID-CLONE',
    seen: `${MACHINE_ID} was made before this disk became instance ${now}: it was instance ${last}`,
  };
}
