/** Programs that make the running systemd-networkd read its files again, and so may cost a lease. */

import { systemdVersion } from '../../host/service/systemd-version.ts';
import { isUnitEnabled } from '../../host/service/units.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { networkdCallers } from '../networkd-callers.ts';
import type { NetworkdDeed } from '../networkd-deeds.ts';
import { filesIn } from '../numbered-lines.ts';

/** From this version on, a reload keeps the lease of a link whose files changed (measured with 247, 252 and 257). */
const KEEPS_LEASE = 257;

export function* networkdReloadCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const runs = host.processes('systemd-network', 'network').length > 0;
  if (!runs && !isUnitEnabled(host, 'systemd-networkd.service')) return;
  const version = systemdVersion(host);
  for (const { by, at, command, deed } of networkdCallers(host)) {
    const { effect, severity } = effectOf(deed, version);
    const seen = `${at}: ${by} runs "${command}", which ${effect}`;
    yield { code: 'HF-NETWORKD-RELOAD', seen, severity };
  }
  const [plan] = ['/etc', '/run', '/lib'].flatMap((base) => filesIn(host, `${base}/netplan`, '.yaml'));
  if (plan === undefined || host.stat('/usr/sbin/netplan') === null) return;
  const seen = `${plan}: netplan makes the .network files here, and "netplan apply" ${effectOf('reconfigure', version).effect}`;
  yield { code: 'HF-NETWORKD-RELOAD', seen, severity: 'note' };
}

function effectOf(
  deed: NetworkdDeed,
  version: number | null,
): { readonly effect: string; readonly severity: 'warning' | 'note' } {
  if (deed === 'reconfigure') return { effect: 'gives up the lease of each link', severity: 'warning' };
  if (deed === 'restart') {
    return {
      effect: 'keeps the lease from systemd 252 on',
      severity: version !== null && version < 252 ? 'warning' : 'note',
    };
  }
  if (version !== null && version >= KEEPS_LEASE)
    return { effect: `keeps the lease on systemd ${version}`, severity: 'note' };
  const on = version === null ? 'before systemd 257' : `on systemd ${version}`;
  return { effect: `${on} gives up the lease of each link whose files changed`, severity: 'warning' };
}
