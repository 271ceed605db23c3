/** `agent depends` as an operator runs it: its exit statuses, its sentence, its JSON. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../../../parts/command.ts';
import { scratch } from '../../../parts/scratch.ts';

const FILES = { 'etc/nginx/nginx.conf': 'resolver 10.0.0.1;\n', 'etc/resolv.conf': 'nameserver 10.0.0.2\n' };

test('depends: a dependence is 2, with who, where, why and what to do', async (t) => {
  const root = scratch(t, FILES);
  const { status, stdout } = await command('depends', '::ffff:10.0.0.1', '--root', root);
  assert.equal(status, 2);
  assert.match(
    stdout,
    /NEXT BOOT.*\n {2}✗ nginx, at its next start\n {6}where {2}\/etc\/nginx\/nginx\.conf:1\n {6}why .*\n {6}do .*replace 10\.0\.0\.1/,
  );
  assert.match(
    stdout,
    /This host depends on 10\.0\.0\.1: 1 dependence \(at the next boot\); 4 places could not be seen\.\n$/,
  );
});

test('depends: nothing found beside what could not be seen is 4, unknown, never "no"', async (t) => {
  const root = scratch(t, FILES);
  const { status, stdout } = await command('depends', '10.0.0.9', '--root', root);
  assert.equal(status, 4);
  assert.match(stdout, /Unknown whether this host depends on 10\.0\.0\.9: nothing was found/);
  assert.match(stdout, /running programs: not seen/);
});

test('depends: JSON has the verdict and all that was found; without an address it is every name server', async (t) => {
  const root = scratch(t, FILES);
  const { status, stdout } = await command('depends', '--root', root, '--json');
  assert.equal(status, 2);
  const answer = JSON.parse(stdout) as { addresses: unknown; verdict: string; found: { address: string }[] };
  assert.equal(answer.addresses, null);
  assert.equal(answer.verdict, 'depends');
  assert.deepEqual(
    answer.found.map(({ address }) => address),
    ['10.0.0.2', '10.0.0.1'],
  );
});

test('depends: what is no address is refused', async () => {
  const { status, stderr } = await command('depends', 'ns.example.org');
  assert.equal(status, 1);
  assert.match(stderr, /"ns\.example\.org" is no IP address/);
});
