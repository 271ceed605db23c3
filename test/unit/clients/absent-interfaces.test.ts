/** A setting of an interface that the host does not have is not shown as held: the name may be a typing error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAbsentInterfaces } from '../../../agent/clients/absent-interfaces.ts';
import type { State } from '../../../agent/hold/resource.ts';
import { desiredOf, patientHost } from '../../parts/doctor-patient.ts';

const YAML =
  'dhcp: { interfaces: { eth7: { ignore: [routers] }, eth0.5: { ignore: [routers] }, eth0: { ignore: [routers] } } }';
const files = { 'sys/class/net/lo/x': '', 'sys/class/net/eth0/x': '', 'sys/class/net/eth1/x': '' };

function view(setting: string, state: State = 'ok') {
  const found = { setting, state, wanted: 'routers', actual: null };
  return { setting, wanted: 'routers', moments: { lease: { ...found, moment: 'lease' as const } } };
}

test('status: a setting of an interface that is not there is unknown, and the note names those that are', (t) => {
  const names = ['dhcp.interfaces.eth7.ignore', 'dhclient.interfaces.eth0.5.ignore', 'dhcp.interfaces.eth0.ignore'];
  const views = [...names.map((name) => view(name)), view('dhcp.ignore')];
  const seen = withAbsentInterfaces(patientHost(t, { files }), desiredOf(YAML), views);
  assert.deepEqual(
    seen.map(({ moments }) => moments.lease?.state),
    ['unknown', 'unknown', 'ok', 'ok'],
  );
  assert.match(seen[0]?.moments.lease?.reason ?? '', /^this host has no interface eth7 \(it has eth0, eth1\): correct/);
  assert.match(seen[1]?.moments.lease?.reason ?? '', /^this host has no interface eth0\.5 /);
});

test('status: what drifted stays so; of the files of another root, nothing is said about interfaces', (t) => {
  const drifted = view('dhcp.interfaces.eth7.ignore', 'drifted');
  assert.deepEqual(withAbsentInterfaces(patientHost(t, { files }), desiredOf(YAML), [drifted]), [drifted]);
  const held = view('dhcp.interfaces.eth7.ignore');
  assert.deepEqual(withAbsentInterfaces(patientHost(t, { files, live: false }), desiredOf(YAML), [held]), [held]);
});
