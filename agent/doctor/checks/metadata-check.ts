/** Whether the values that routes take from the cloud are known and fresh. */
import { Metadata } from '../../metadata/metadata.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* metadataCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (desired === null || !host.live) return;
  for (const { key, values, age, old, problem } of new Metadata(host, desired.metadata, wishesOf(desired)).views()) {
    const why = problem === null ? '' : `: ${problem}`;
    if (values === null || age === null) {
      yield { code: 'HF-METADATA', seen: `${key} is not known yet${why}`, severity: 'problem' };
    } else if (old || problem !== null) {
      const minutes = Math.round(age / 60_000);
      yield { code: 'HF-METADATA', seen: `${key} is ${values.join(', ') || 'none'}, fetched ${minutes} min ago${why}` };
    }
  }
}
