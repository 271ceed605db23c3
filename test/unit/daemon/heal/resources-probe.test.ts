/** The daemon also reports settings that no resource answers for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withUnheldDhcp } from '../../../../agent/clients/unheld-dhcp.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { HealRecord } from '../../../../agent/daemon/heal/heal-record.ts';
import type { Keeper } from '../../../../agent/daemon/heal/keeper.ts';
import { resourcesProbe } from '../../../../agent/daemon/heal/resources-probe.ts';
import { desiredOf, patientHost } from '../../../parts/doctor-patient.ts';

test('resources probe: a setting of dhcp that no running client holds is unknown, as in status', async (t) => {
  const host = patientHost(t, { files: { 'etc/resolv.conf': '' } });
  const { dhcp } = desiredOf('dhcp: { supersede: { ntp-servers: [10.0.0.2] } }') as DesiredState;
  const keeper = { look: async () => {}, findings: () => [] } as unknown as Keeper;
  const probe = resourcesProbe(keeper, new HealRecord(), (views) => withUnheldDhcp(host, dhcp, views, undefined));
  const found = (await probe.read(AbortSignal.timeout(10_000))).flatMap((one) =>
    one.kind === 'sample' ? [[one.metric, one.attributes]] : [],
  );
  assert.deepEqual(
    found,
    ['lease', 'boot'].map((moment) => [
      'holdfast.setting.state',
      { setting: 'dhcp.supersede.ntp-servers', moment, state: 'unknown' },
    ]),
  );
});
