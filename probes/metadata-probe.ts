/**
 * The values that routes take from the cloud's metadata, and their age. agent/metadata fetches them; this probe only
 * reports.
 */
import type { ConfiguredState } from '../agent/config/desired.ts';
import { agoText } from '../agent/config/notation/quantities.ts';
import type { Host } from '../agent/host/host.ts';
import type { MetadataView } from '../agent/metadata/metadata.ts';
import { wishesOf } from '../agent/metadata/wishes.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

export function metadataProbe(host: Host, desired: ConfiguredState): Probe {
  return {
    name: 'metadata',
    cost: 'constant',
    async read() {
      // Imported here, so that it is loaded only if a route takes a value from the cloud.
      const { Metadata } = await import('../agent/metadata/metadata.ts');
      return new Metadata(host, desired.metadata, wishesOf(desired)).views().flatMap(readings);
    },
  };
}

function readings(view: MetadataView): Reading[] {
  const attributes = { name: view.key };
  const age = view.age === null ? [] : [sample('holdfast.metadata.age', view.age / 1000, attributes)];
  return [...age, ...(view.old ? [tooOld(view)] : [])];
}

function tooOld({ key, values, age, problem }: MetadataView): Condition {
  const why = problem === null ? '' : `: ${problem}`;
  const body =
    values === null || age === null
      ? `no value of ${key} is known yet, so its routes stay as they are${why}`
      : `${key} was last fetched ${agoText(age)} ago; the value stays ${values.join(', ') || 'none'}${why}`;
  return { kind: 'condition', code: 'metadata-old', severity: 'warn', body, attributes: { name: key } };
}
