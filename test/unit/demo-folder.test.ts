/** The story that `npm start` tells an ordinary user, also with root, another TMPDIR and another umask. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hiddenFromOthers, REPOSITORY } from '../parts/repository.ts';
import { missing, scratch } from '../parts/scratch.ts';

/** Options of setpriv(1): the numbers of nobody and nogroup on Debian. */
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const SCRIPT = `
  const { inFolder } = await import(${JSON.stringify(join(REPOSITORY, 'test/demo/demo-folder.ts'))});
  const program = [process.execPath, ${JSON.stringify(join(REPOSITORY, 'agent/cli.ts'))}];
  process.exit((await inFolder('is a test', program)) ? 0 : 1);
`;

const told = (temporary: string, command: readonly string[] = []) => {
  const [program, ...args] = [...command, process.execPath, '--input-type=module', '-e', SCRIPT];
  const environment = { PATH: process.env.PATH, LC_ALL: 'C', TMPDIR: temporary };
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', env: environment });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
};

test('demonstration in folders: only with Holdfast the servers stand; that everybody may write above is no hindrance', (t) => {
  const open = join(scratch(t), 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const story = told(open);
  assert.match(story, /Not shown, since this is a test: .*the daemon, the collector and its page\.\n/);
  assert.match(
    story,
    /renewed.*Without Holdfast:\n[^\n]*0\.11, [^\n]*an outage\nWith Holdfast:\n[^\n]*10\.77\.0\.21, /s,
  );
  assert.match(story, /Another program writes.* drifted .*resolver {2}\/etc\/resolv\.conf {2}changed/s);
  assert.doesNotMatch(story, /chown|http:|may be written by others/);
});

test('demonstration in folders: as a user without rights', { skip: unableToBeNobody() }, (t) => {
  const open = scratch(t);
  chmodSync(open, 0o1777);
  told(open, ['setpriv', ...NOBODY]);
});

function unableToBeNobody(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to be somebody else';
  return missing('setpriv') || hiddenFromOthers;
}
