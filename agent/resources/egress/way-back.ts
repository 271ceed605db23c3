/** Puts DHCP's default route back in the form that dhclient-script(8) gives it. */
import type { DesiredDhcp } from '../../config/desired.ts';
import { putAhead } from '../../egress/changes.ts';
import { lookAtDefaults } from '../../egress/defaults.ts';
import type { Outcome } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** Milliseconds for the kernel's answers. */
const PATIENCE = 5_000;
const NOTHING_IGNORED: DesiredDhcp = {
  global: { supersede: new Map(), request: null, ignore: [] },
  interfaces: new Map(),
};

/** Never throws. */
export async function revertEgress(host: Host): Promise<Outcome> {
  const outcome = { resource: 'revert', key: 'IPv4 default route', moment: 'now' } as const;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const { dhcp } = await lookAtDefaults(host, NOTHING_IGNORED, signal);
    await putAhead(host, dhcp, signal);
    const ways = dhcp.map(({ address, interface: link }) => `via ${address} dev ${link}`);
    return { ...outcome, result: 'changed', actual: ways.join(', ') };
  } catch (error) {
    return { ...outcome, result: 'failed', actual: null, reason: errorMessage(error) };
  }
}
