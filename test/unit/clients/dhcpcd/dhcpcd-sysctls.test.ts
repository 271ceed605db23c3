/** The kernel settings that dhcpcd writes for an interface, by its dhcpcd.conf: test/lab/advertisements.test.ts asks the real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sysctlsOfInterface } from '../../../../agent/clients/dhcpcd/sysctls.ts';

/** The keys that dhcpcd writes for eth0, and the line that decides. */
function written(text: string): string {
  const all = sysctlsOfInterface(text, 'eth0');
  return `${all.map(({ path }) => path.split('/').at(-1)).join(' ')} ${all[0]?.line}`;
}

const ALL = 'promote_secondaries addr_gen_mode accept_ra';

test('dhcpcd sysctls: without a statement, and with the last statement that concerns the interface', () => {
  assert.equal(written(''), `${ALL} 1`);
  assert.equal(written('noipv6rs\n'), 'promote_secondaries addr_gen_mode 1');
  assert.equal(written('duid\n#noipv6\nipv4only'), 'promote_secondaries 3');
  assert.equal(written('noipv6rs\ninterface eth0\n ipv6rs\n'), `${ALL} 3`);
  assert.equal(written('interface eth0\nnoipv6rs\ninterface eth1\nipv6rs'), 'promote_secondaries addr_gen_mode 2');
  assert.equal(written('ssid home\nnoipv6\nprofile p\nnoipv6rs'), `${ALL} 1`);
});
