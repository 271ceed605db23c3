/** The daemon tells the collector which name servers the host depends on, at its start and after changes, and what it could not see. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DependsWatch } from '../../../../agent/daemon/schedule/depends-watch.ts';
import type { Dependence, ToldDependences } from '../../../../agent/depends/dependence.ts';
import { loadHistory } from '../../../../agent/depends/holders/server-history.ts';
import type { Occurrence } from '../../../../probes/probe.ts';
import { accepted } from '../../../parts/accepted.ts';
import { patientHost } from '../../../parts/doctor-patient.ts';

const FOUND: Dependence = accepted({
  address: '10.0.0.1',
  tense: 'now',
  source: 'resolv.conf',
  who: 'sleep[7]',
  where: '/etc/resolv.conf:1',
  reason: 'r',
  cure: 'c',
});

function watchOn(t: TestContext) {
  const host = patientHost(t, { files: { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' } });
  const program = join(host.root, 'depends');
  const sent: Occurrence[] = [];
  const logged: Occurrence[] = [];
  const watch = new DependsWatch(host, ['sh', program], {
    log: (event) => logged.push(event),
    send: (event) => sent.push(event),
  });
  t.after(() => watch.close());
  /** What was sent after a look at this answer. */
  const look = async (answer: unknown, status = 2) => {
    writeFileSync(
      program,
      `cat <<'X'\n${typeof answer === 'string' ? answer : JSON.stringify(answer)}\nX\nexit ${status}\n`,
    );
    sent.length = 0;
    await watch.look();
    return sent.map(({ body }) => JSON.parse(body) as ToldDependences);
  };
  return { host, look, logged };
}

test('depends watch: dependences are sent at first and after changes; other process ids are no change', async (t) => {
  const { look, logged } = watchOn(t);
  const answer = { found: [FOUND], unseen: [], longestLease: 3600 };
  assert.deepEqual(await look(answer), [{ ...answer, cut: 0 }]);
  assert.match(logged[0]!.body, /^this host depends on 1 name servers in 1 ways/);
  assert.deepEqual(await look(answer), []);
  assert.deepEqual(await look({ ...answer, found: [{ ...FOUND, who: 'sleep[8] and 3 more programs' }] }), []);
  const other = { ...answer, found: [{ ...FOUND, address: '10.0.0.2' }] };
  assert.deepEqual(await look(other), [{ ...other, cut: 0 }]);
  assert.equal((await look({ ...other, longestLease: 60 })).length, 1);
});

test('depends watch: askers are left out, because the ledger reports them', async (t) => {
  const { look } = watchOn(t);
  const [told] = await look({
    found: [{ ...FOUND, tense: 'asked' }],
    unseen: [{ tense: 'asked', source: 's', reason: 'r' }],
  });
  assert.deepEqual(told, { found: [], unseen: [], longestLease: null, cut: 0 });
});

test('depends watch: a failed look is sent as unseen at every moment, never as no dependence', async (t) => {
  const { look } = watchOn(t);
  const [told] = await look('not JSON', 4);
  assert.deepEqual(
    told?.unseen.map(({ tense }) => tense),
    ['now', 'lease', 'boot', 'holder'],
  );
  assert.deepEqual(told?.found, []);
});

test("depends watch: each look extends the history of each file's servers, and unseen files leave it unchanged", async (t) => {
  const { host, look } = watchOn(t);
  const kept = (source: string) => loadHistory(host)[source]?.map(({ addresses }) => addresses);
  await look({ found: [FOUND, { ...FOUND, source: 'nginx', where: '/etc/nginx/nginx.conf:3' }], unseen: [] });
  assert.deepEqual([kept('resolv.conf'), kept('nginx')], [[['10.0.0.1']], [['10.0.0.1']]]);
  await look({ found: [], unseen: [{ tense: 'now', source: 'nginx', reason: 'r' }] });
  assert.deepEqual([kept('resolv.conf'), kept('nginx')], [[['10.0.0.1'], []], [['10.0.0.1']]]);
  // A copy of a container is no file of this host.
  await look({ found: [{ ...FOUND, where: '/proc/7/root/etc/resolv.conf:1' }], unseen: [] });
  assert.deepEqual(kept('resolv.conf'), [['10.0.0.1'], []]);
  await look('not JSON', 4);
  assert.deepEqual(kept('resolv.conf'), [['10.0.0.1'], []]);
  // Two containers could not be read: the host's own file is known only if it named a server.
  const hidden = ['a', 'b'].map((reason) => ({ tense: 'now', source: 'resolv.conf', reason }) as const);
  await look({ found: [{ ...FOUND, address: '10.0.0.2' }], unseen: hidden });
  await look({ found: [], unseen: hidden });
  assert.deepEqual(kept('resolv.conf'), [['10.0.0.1'], [], ['10.0.0.2']]);
});

test('depends watch: in the sandbox of the service systemd runs the look; without its help the look sees a part, from inside', async (t) => {
  const files = { 'proc/self/status': 'CapEff:\t0000000000001004\n', 'run/systemd/system/x': '' };
  const asked = async (stderr: string) => {
    const host = patientHost(t, { files });
    const programs: string[] = [];
    host.runBeside = async (program) => {
      programs.push(program);
      const stdout = program === 'agent' ? JSON.stringify({ found: [FOUND], unseen: [] }) : '';
      return { status: 0, stdout, stderr: program === 'agent' ? '' : stderr, error: null };
    };
    const sent: Occurrence[] = [];
    const watch = new DependsWatch(host, ['agent'], { log: () => {}, send: (event) => sent.push(event) });
    t.after(() => watch.close());
    await watch.look();
    return { programs, told: JSON.parse(sent[0]!.body) as ToldDependences };
  };
  const without = await asked('Failed to connect to bus: No such file or directory\n');
  assert.deepEqual(without.programs, ['systemd-run', 'agent']);
  assert.equal(without.told.found.length, 1);
  // A look that hangs keeps its unit: no second look joins it.
  const hanging = await asked(
    'Failed to start transient service unit: Unit holdfast-depends.service was already loaded.\n',
  );
  assert.deepEqual(hanging.programs, ['systemd-run']);
  assert.match(hanging.told.unseen[0]!.reason, /already loaded/);
});
