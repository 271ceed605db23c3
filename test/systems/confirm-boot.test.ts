/** A confirmed change whose route leads every witness astray after a real boot is put back, and the earlier configuration is held. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const CONFIGURATION = '/etc/holdfast/agent.yaml';
const FAR = '10.61.0.5';
const LISTENS = `require('node:net').createServer((socket) => socket.end()).listen(7022, () => console.log('ready'))`;
const CONFIRM = `report: { interval: 1s }
confirm: { by: local, within: 10s, also: [{ tcp: "${FAR}:7022" }] }
`;
const routed = (router: string) => `routes: [{ to: 0.0.0.0/0, via: ${router}, takeOver: true }]\n${CONFIRM}`;
/** A router that is there when the change is made, and not after the boot. */
const ROUTER = '10.77.0.2';

test('confirm: a change that leads every witness astray after a boot is put back', {
  skip: unavailable(),
}, async () => {
  await using machine = await Machine.boot({
    release: 'bookworm',
    dhcp: { offers: 'option routers 10.77.0.1;' },
    files: { [CONFIGURATION]: routed('10.77.0.1') },
  });
  const server = (script: string) => machine.outside.sh(script, { where: 'server' });
  await server(`ip addr add ${FAR}/32 dev lo; ip addr add ${ROUTER}/24 dev srv0`);
  const far = machine.spawn([process.execPath, '-e', LISTENS], { where: 'server' });
  await new Promise((resolve) => far.stdout!.once('data', resolve));
  await installService(machine);
  const confirmed = /confirmed: as before the change, these answer: gateway \(IPv4\), tcp 10\.61/;
  assert.match(await machine.sh('systemctl enable holdfast holdfast-apply; agent apply'), confirmed);
  await machine.write(CONFIGURATION, routed(ROUTER));
  assert.match(await machine.sh('agent apply'), confirmed);
  const way = () => machine.sh(`ip route get ${FAR} | head -1`);
  assert.match(await way(), / via 10\.77\.0\.2 /);

  await server(`ip addr del ${ROUTER}/24 dev srv0`);
  await machine.reboot();
  const journal = journalOf(machine, 'holdfast.service');
  await journal.until(/"holdfast.start"/);
  assert.match(await way(), / via 10\.77\.0\.2 /, 'the boot holds the change');
  const at = await journal.indexOf(/"holdfast.change.put_back"/);
  const putBack = journal.lines[at]!;
  assert.match(putBack, /put back: after a boot gateway \(IPv4\) is lost .*; tcp 10\.61\.0\.5:7022 is lost /);
  await journal.until(/took the new configuration: .* 0 failed/);
  assert.match(await way(), / via 10\.77\.0\.1 /);
  await journal.until(/"holdfast.change.(confirmed|provisional)"/, at);
  const { stdout } = await machine.run(['agent', 'status']);
  assert.match(stdout, /put back: after a boot .*is not tried again until it differs/);
});
