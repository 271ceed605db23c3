/** Each line of a service has a level for the journal. On any other stderr the lines have none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { forTheJournal, makeLog } from '../../../agent/daemon/log.ts';
import { journalEntry } from '../../parts/lab/journal.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { scratch } from '../../parts/scratch.ts';

/** The stderr of `script` if $JOURNAL_STREAM means this stderr. `other`: the variable means another stream. */
function said(t: TestContext, script: string, { other = false } = {}): string {
  const path = join(scratch(t), 'stderr');
  const stderr = openSync(path, 'w');
  const { dev, ino } = fstatSync(stderr);
  spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'ignore', stderr],
    env: { PATH: process.env.PATH, JOURNAL_STREAM: other ? `${dev}:${ino + 1}` : `${dev}:${ino}` },
  });
  closeSync(stderr);
  return readFileSync(path, 'utf8');
}

const LOG = `
  const { makeLog } = await import('./agent/daemon/log.ts');
  const log = makeLog();
  for (const severity of ['info', 'warn', 'error'])
    log({ severity, name: 'holdfast.heal', body: severity + ' of {"event":1}', attributes: { file: '/etc/resolv.conf' } });
`;

test('journal: each severity has its level, and the sentence comes before the details', (t) => {
  const lines = said(t, LOG).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf(' of'))),
    ['<6>info', '<4>warn', '<3>error'],
  );
  assert.deepEqual(journalEntry(lines[2]!), {
    event: 'holdfast.heal',
    file: '/etc/resolv.conf',
    msg: '<3>error of {"event":1}',
  });
});

test('journal: if stderr leads elsewhere, each line is one JSON object', (t) => {
  const lines = said(t, LOG, { other: true }).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).level),
    ['info', 'warn', 'error'],
  );
});

test("journal: each line of a command's failure has the level of an error", (t) => {
  const say =
    "(await import('./agent/commands/output/output.ts')).printError('a.yaml:1:1: wrong\\na.yaml:2:1: wrong, too');";
  assert.equal(said(t, say), '<3>a.yaml:1:1: wrong\n<3>a.yaml:2:1: wrong, too\n');
  assert.equal(said(t, say, { other: true }), 'a.yaml:1:1: wrong\na.yaml:2:1: wrong, too\n');
});

test('journal: an event is one line, whatever its sentence holds', () => {
  const lines: string[] = [];
  const log = makeLog(forTheJournal((line) => lines.push(line)));
  log({
    severity: 'error',
    name: 'holdfast.config.refused',
    body: 'two errors: a\nb\u001b[2J',
    attributes: {},
  } as Parameters<typeof log>[0]);
  assert.deepEqual(lines, ['<3>two errors: a; b\\u001b[2J {"event":"holdfast.config.refused"}\n']);
});
