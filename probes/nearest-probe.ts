/** The measured entries of the sortlist and their age. agent/nearest measures; this probe only reports. */
import type { ConfiguredState } from '../agent/config/desired.ts';
import { agoText } from '../agent/config/notation/quantities.ts';
import type { Host } from '../agent/host/host.ts';
import { type NearestView, Nearness } from '../agent/nearest/nearness.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

export function nearestProbe(host: Host, desired: ConfiguredState): Probe {
  return {
    name: 'nearest',
    cost: 'constant',
    async read() {
      return new Nearness(host, desired).views().flatMap(readings);
    },
  };
}

function readings(view: NearestView): Reading[] {
  const { target, last, age } = view;
  const old = view.old ? [tooOld(view)] : [];
  if (last === null || age === null) return old;
  return [
    sample('holdfast.nearest.age', age / 1000, { target }),
    ...last.order.flatMap(({ address, time }, i) => {
      const attributes = { target, 'server.address': address };
      return [
        sample('holdfast.nearest.position', i + 1, attributes),
        ...(time === null ? [] : [sample('holdfast.nearest.duration', time / 1000, attributes)]),
      ];
    }),
    ...old,
  ];
}

function tooOld({ target, last, age }: NearestView): Condition {
  const nearest = last?.order[0]?.address;
  const body =
    nearest === undefined || age === null
      ? `${target} was never measured, so its addresses are not in the sortlist; \`agent apply\` says why.`
      : `${target} was last measured ${agoText(age)} ago; ${nearest} is still the first in the sortlist. \`agent apply\` says why it cannot be measured.`;
  return { kind: 'condition', code: 'nearest-old', severity: 'warn', body, attributes: { target } };
}
