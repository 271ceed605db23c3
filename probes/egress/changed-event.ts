/** The event of gateways that came or went, with what became of the sampled flows. */
import type { Family } from '../../agent/address/address.ts';
import { type DefaultRouteView, type Gateway, gatewayName } from '../../agent/egress/look.ts';
import type { Occurrence } from '../probe.ts';
import { FLOWS, type Moves } from './spread.ts';
import { LABEL } from './traps.ts';

/** The event of gateways that came or went. `moved` is null if the flows before and after cannot be compared. */
export function changedEvent(
  family: Family,
  after: DefaultRouteView | null,
  {
    gone,
    come,
    moved,
    carried,
  }: { gone: readonly Gateway[]; come: readonly Gateway[]; moved: Moves | null; carried: boolean },
): Occurrence {
  const left = after?.gateways.filter(({ reachable }) => reachable) ?? [];
  const what = [
    ...(gone.length > 0 ? [`lost ${gone.map(gatewayName).join(', ')}`] : []),
    ...(come.length > 0 ? [`gained ${come.map(gatewayName).join(', ')}`] : []),
  ];
  const has = left.length === 0 ? 'no gateway is left' : `it has ${left.map(gatewayName).join(', ')} now`;
  const flows = moved !== null && carried ? `. ${sentence(moved)}` : '';
  return {
    kind: 'event',
    name: 'holdfast.egress.changed',
    severity: left.length === 0 ? 'error' : gone.length > 0 ? 'warn' : 'info',
    time: Date.now(),
    body: `the ${LABEL[family]} default route ${what.join(' and ')}; ${has}${flows}`,
    attributes: {
      'network.type': family,
      gateways: left.length,
      ...(gone.length > 0 ? { lost: gone.map(gatewayName).join(', ') } : {}),
      ...(come.length > 0 ? { gained: come.map(gatewayName).join(', ') } : {}),
      ...(moved === null
        ? {}
        : { flows: FLOWS, moved: moved.needed, needless: moved.needless, stranded: moved.stranded }),
    },
  };
}

function sentence({ needed, needless, stranded }: Moves): string {
  const rest = FLOWS - needed - stranded;
  if (stranded > 0) return `${stranded} of ${FLOWS} sampled flows have no gateway any longer`;
  if (rest <= 0) return `All ${FLOWS} sampled flows had to move`;
  const others = needless === 0 ? 'and no other moved' : `and ${needless} of the other ${rest} moved without need`;
  return `${needed} of ${FLOWS} sampled flows had to move, ${others}`;
}
