/** A checked `confirm` → how changes are confirmed. */
import { ipAddress } from '../../address/address-checks.ts';
import type { AlsoWitness, DesiredConfirm } from '../desired-confirm.ts';
import { durationOf } from '../notation/quantities.ts';
import { checkTcpTarget } from '../notation/tcp-target.ts';
import type { Config } from '../schema/config-schema.ts';

const WITHIN = '120s';

type Confirm = NonNullable<Config['confirm']>;

/** `endpoint`: whether a collector is configured. */
export function desiredConfirm(
  { by, within, also, inbound, waves = false }: Confirm,
  endpoint: boolean,
): DesiredConfirm {
  return {
    by: by ?? (endpoint ? 'collector' : 'local'),
    within: durationOf(within ?? WITHIN) as number,
    also: (also ?? []).map(alsoWitness),
    inbound: inbound ?? null,
    waves: waves === false ? null : { rollout: waves === true ? null : waves },
  };
}

function alsoWitness({ tcp, ping, host }: NonNullable<Confirm['also']>[number]): AlsoWitness {
  if (host !== undefined) return { host };
  if (ping !== undefined) return { ping: ping === 'gateway' ? ping : ipAddress(ping)! };
  const checked = checkTcpTarget(tcp ?? '');
  // The schema has accepted the text.
  if ('problem' in checked) throw new Error(checked.problem);
  return { tcp: checked.target };
}
