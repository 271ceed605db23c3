/** Which drop-ins of systemd-networkd are refused where the next start would lose the default route. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOffAtStart } from '../../../../agent/clients/networkd/cut-off-at-start.ts';
import type { DhcpPlan } from '../../../../agent/clients/networkd/dhcp-plan.ts';
import { Host } from '../../../../agent/host/host.ts';
import { desired, route } from '../../../parts/desired.ts';

/** No network of the loopback interface leads to 203.0.113.1. */
const ROUTES = [route('0.0.0.0/0', [{ via: '203.0.113.1', dev: 'lo', weight: 1, onlink: false }])];

function plan(file: string, served: readonly string[], line: string): DhcpPlan {
  const setting = { setting: 'dhcp.ignore', interface: null, asks: { part: 'ignore' }, values: ['routers'] } as const;
  return {
    file,
    links: [],
    served,
    text: line,
    held: [{ setting, lines: [{ section: 'DHCPv4', line }] }],
    refused: [],
  };
}

test('networkd cut-off: only the file that leaves the routes of the lost interface is refused', async () => {
  const leaving = plan('10-lo.network', ['lo'], 'UseGateway=no');
  const other = plan('20-wan.network', ['eth9'], 'UseGateway=no');
  const harmless = plan('30-lo.network', ['lo'], 'UseNTP=no');
  const coming = plan('70-lo.network', [], 'UseRoutes=no');
  const refused = async (...plans: DhcpPlan[]) => [
    ...(await cutOffAtStart(new Host(), desired({ routes: ROUTES }), plans)).keys(),
  ];
  assert.deepEqual(await refused(leaving, other, harmless), ['10-lo.network']);
  assert.deepEqual(await refused(other, harmless), []);
  assert.deepEqual(await refused(coming, harmless), ['70-lo.network'], 'a file to come may serve any link');
});
