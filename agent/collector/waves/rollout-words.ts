/** Sentences about rollouts, without their full stops: why a host waits, and why a rollout stops. */
import { isAgainst, type Rollout } from './rollout.ts';
import { type WaveSize, waveInWords } from './wave-sizes.ts';

/** The most hosts that a stop names. */
const NAMED = 3;

/** The present wave, and how many results it waits for. */
export function presentWaveInWords(rollout: Rollout, sizes: readonly WaveSize[]): string {
  // After a restart with fewer waves, the stored number may be beyond the last wave.
  const wave = Math.min(rollout.wave, sizes.length - 1);
  const [admitted, provisional] = [rollout.count('admitted'), rollout.count('provisional')];
  const missing = [
    ...(admitted > 0 ? [`${admitted} without a result yet`] : []),
    ...(provisional > 0 ? [`${provisional} provisional`] : []),
  ];
  const ending = missing.length > 0 ? ` (${missing.join(', ')})` : '';
  return `wave ${wave + 1} of ${sizes.length}: ${waveInWords(sizes[wave]!)}${ending}`;
}

/** Why the rollout of another configuration cannot begin while this rollout bars the beginning of others. */
export function barInWords({ id, stop }: Rollout): string {
  return stop === null
    ? `the first host of another configuration is under way (rollout ${id})`
    : `the rollout of another configuration was stopped (${id}: ${stop.why})`;
}

/** Which results stop the rollout. `nameOf`: the host's name for people; null if the collector no longer knows it. */
export function stopInWords({ members }: Rollout, nameOf: (host: string) => string | null): string {
  const all = [...members].filter(isAgainst);
  const names = all.slice(0, NAMED).map(({ host }) => nameOf(host) ?? host);
  const lost = all.filter(({ standing }) => standing === 'lost').length;
  const putBack = all.length - lost;
  const results = [
    ...(putBack > 0 ? [putBack === 1 ? '1 change was put back' : `${putBack} changes were put back`] : []),
    ...(lost > 0 ? [lost === 1 ? '1 host was lost' : `${lost} hosts were lost`] : []),
  ].join(' and ');
  const some = all.length > NAMED ? [...names, '…'] : names;
  return `${results} (${some.join(', ')})`;
}
