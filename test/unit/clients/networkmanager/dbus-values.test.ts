/** Values of D-Bus as busctl prints them, and as busctl takes them again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dbusArguments, dbusValues } from '../../../../agent/clients/networkmanager/dbus-values.ts';

test('NetworkManager on D-Bus: an answer has each of its values with a signature of its own', () => {
  const answer = { type: 'a{sa{sv}}t(ay)as', data: [{}, 2, [[1]], ['x']] };
  assert.deepEqual(
    dbusValues(JSON.stringify(answer)).map(({ type }) => type),
    ['a{sa{sv}}', 't', '(ay)', 'as'],
  );
  assert.deepEqual(dbusValues('{"type":"s","data":"default"}'), [{ type: 's', data: 'default' }]);
  for (const text of ['', 'x', '{}', '[]', 'null']) assert.deepEqual(dbusValues(text), [], text);
});

test('NetworkManager on D-Bus: settings become the words that busctl takes for the same settings', () => {
  const settings = {
    connection: { id: { type: 's', data: 'eth0' }, permissions: { type: 'as', data: [] } },
    ipv4: {
      'never-default': { type: 'b', data: true },
      'route-metric': { type: 'x', data: -1 },
      'route-data': {
        type: 'aa{sv}',
        data: [{ dest: { type: 's', data: '10.5.0.0' }, prefix: { type: 'u', data: 16 } }],
      },
      addresses: { type: 'a(ayuay)', data: [[[1, 2], 64, [3]]] },
      routes: { type: 'aau', data: [[1290, 16]] },
    },
    proxy: {},
  };
  const words = dbusArguments({ type: 'a{sa{sv}}', data: settings });
  assert.deepEqual(words.join(' ').split(' ipv4 '), [
    '3 connection 2 id s eth0 permissions as 0',
    '5 never-default b true route-metric x -1 route-data aa{sv} 1 2 dest s 10.5.0.0 prefix u 16 addresses a(ayuay) 1 2 1 2 64 1 3 routes aau 1 2 1290 16 proxy 0',
  ]);
});
