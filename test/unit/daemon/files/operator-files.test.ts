/** The daemon notices every kind of change of the operator's files once it has settled, and judges their content. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openToHold } from '../../../../agent/commands/context/context.ts';
import { lookOnDisk } from '../../../../agent/commands/context/on-disk.ts';
import { OperatorFiles } from '../../../../agent/daemon/files/operator-files.ts';
import { Credentials } from '../../../../agent/report/delivery/credentials.ts';
import { DESIRED, until } from '../../../parts/report-scene.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

async function followed(t: TestContext): Promise<{ folder: string; settled: () => number }> {
  const folder = scratch(t, { 'etc/agent.yaml': 'a: 1\n', 'etc/other.yaml': '', 'keys/token': 'x\n', 'keys/else': '' });
  let count = 0;
  const files = new OperatorFiles(() => count++, 50);
  t.after(() => files.close());
  await files.follow([join(folder, 'etc/agent.yaml'), join(folder, 'keys/token')], [join(folder, 'etc/agent.d')]);
  // chokidar does not keep the process alive, and so does nothing else here.
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  return { folder, settled: () => count };
}

const EDITS: Record<string, (at: (path: string) => string) => void> = {
  'written in place': (at) => writeFileSync(at('etc/agent.yaml'), 'a: 2\n'),
  'appended to': (at) => appendFileSync(at('etc/agent.yaml'), 'b: 2\n'),
  'renamed over': (at) => {
    writeFileSync(at('etc/.tmp'), 'a: 3\n');
    renameSync(at('etc/.tmp'), at('etc/agent.yaml'));
  },
  removed: (at) => rmSync(at('etc/agent.yaml')),
  'a secret renamed over': (at) => {
    writeFileSync(at('keys/.tmp'), 'y\n');
    renameSync(at('keys/.tmp'), at('keys/token'));
  },
  'a drop-in in a folder that was not there': (at) => {
    mkdirSync(at('etc/agent.d'));
    writeFileSync(at('etc/agent.d/10.yaml'), 'c: 1\n');
  },
};

for (const [what, edit] of Object.entries(EDITS)) {
  test(`operator's files: ${what} is noticed`, async (t) => {
    const { folder, settled } = await followed(t);
    edit((path) => join(folder, path));
    await until('it is noticed', () => settled() > 0);
  });
}

/** Puts a link in the place of another in one step. */
function relink(target: string, path: string): void {
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

/** Files whose folders and links change: what is followed at first, and then steps that each are to be noticed. */
const MOVES: Record<string, { files: string[]; steps: ((at: (path: string) => string) => void)[] }> = {
  'a secret of Kubernetes, whose old folder stays': {
    files: ['keys/token'],
    steps: [2, 3].map((n) => (at) => {
      mkdirSync(at(`keys/..${n}`));
      writeFileSync(at(`keys/..${n}/token`), `${n}`);
      relink(`..${n}`, at('keys/..data'));
    }),
  },
  'a folder that is a link': {
    files: ['current/agent.yaml'],
    steps: [
      (at) => relink('releases/2', at('current')),
      (at) => writeFileSync(at('releases/2/agent.yaml'), 'a: 22\n'),
      (at) => writeFileSync(at('releases/2/agent.d/10.yaml'), 'b: 1\n'),
      (at) => relink('releases/1', at('current')),
    ],
  },
  'a folder that is made anew': {
    files: ['etc/agent.yaml'],
    steps: [
      (at) => rmSync(at('etc'), { recursive: true }),
      (at) => {
        mkdirSync(at('etc'));
        writeFileSync(at('etc/agent.yaml'), 'a: 2\n');
      },
      (at) => writeFileSync(at('etc/agent.yaml'), 'a: 33\n'),
    ],
  },
  'a folder that comes later, with one above it': {
    files: ['later/on/token'],
    steps: [
      (at) => {
        mkdirSync(at('later/on'), { recursive: true });
        writeFileSync(at('later/on/token'), 'x\n');
      },
      (at) => writeFileSync(at('later/on/token'), 'yy\n'),
    ],
  },
};

for (const [what, { files, steps }] of Object.entries(MOVES)) {
  test(`operator's files: ${what} is noticed at each step`, async (t) => {
    const folder = scratch(t, {
      'etc/agent.yaml': 'a: 1\n',
      'keys/..1/token': '1',
      'releases/1/agent.yaml': 'a: 1\n',
      'releases/2/agent.yaml': 'a: 2\n',
      'releases/2/agent.d/00.yaml': '',
    });
    const at = (path: string) => join(folder, path);
    symlinkSync('..1', at('keys/..data'));
    symlinkSync('..data/token', at('keys/token'));
    symlinkSync('releases/1', at('current'));
    let count = 0;
    const followed = new OperatorFiles(() => count++, 50);
    t.after(() => followed.close());
    const alive = setInterval(() => {}, 1000);
    t.after(() => clearInterval(alive));
    await followed.follow(
      files.map(at),
      files.map((file) => join(at(file), '../agent.d')),
    );
    for (const [index, step] of steps.entries()) {
      const before = count;
      step(at);
      await until(`step ${index} is noticed`, () => count > before);
    }
  });
}

test("operator's files: a burst of changes is one edit, and another file of the folder is none", async (t) => {
  const { folder, settled } = await followed(t);
  writeFileSync(join(folder, 'keys/else'), 'not ours');
  writeFileSync(join(folder, 'etc/other.yaml'), 'not ours');
  for (let n = 0; n < 200; n++) writeFileSync(join(folder, 'etc/agent.yaml'), `a: ${n}\n`);
  await until('it is noticed', () => settled() > 0);
  assert.equal(settled(), 1);
});

test('files on disk: a new configuration is a condition or a reload, a bad one is refused, the same one changes nothing', async (t) => {
  const root = scratch(t, { 'etc/holdfast/agent.yaml': 'dns: { search: [a.example] }\n' });
  const { hash } = await openToHold({ root });
  const look = (reload: 'auto' | 'manual', waits: string | null = null) =>
    lookOnDisk({ root }, { hash, waits, reload, report: DESIRED }, new Credentials());
  assert.deepEqual(await look('manual'), []);
  assert.deepEqual(await look('auto'), []);
  writeFileSync(join(root, 'etc/holdfast/agent.yaml'), 'dns: { search: [b.example] }\n');
  const [changed] = (await look('manual')) as { code: string; body: string; remedy: string }[];
  assert.equal(changed?.code, 'config-not-in-force');
  assert.match(changed.remedy, /systemctl reload holdfast/);
  assert.equal(await look('auto'), 'reload');
  assert.deepEqual(await look('auto', (await openToHold({ root })).hash), [], 'it is taken when its wave comes');
  writeFileSync(join(root, 'etc/holdfast/agent.yaml'), 'dns: { search: 5 }\n');
  for (const reload of ['auto', 'manual'] as const) {
    const [refused] = (await look(reload)) as { code: string; body: string }[];
    assert.equal(refused?.code, 'config-refused');
    assert.match(refused.body, /agent\.yaml:1:16: dns\.search/);
  }
});

test('files on disk: an unusable token or certificate is reported without its content', {
  skip: missing('openssl'),
}, (t) => {
  const folder = scratch(t, { token: 'abc\n', bad: 'two\nlines\n', empty: '' });
  const at = (name: string) => join(folder, name);
  const pair = (name: string) =>
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/CN=x',
        '-keyout',
        at(`${name}.key`),
        '-out',
        at(`${name}.pem`),
      ],
      { stdio: 'ignore' },
    );
  pair('a');
  pair('b');
  const good = { ...DESIRED, tokenFile: at('token'), ca: at('b.pem'), certificate: at('a.pem'), key: at('a.key') };
  assert.deepEqual(new Credentials().problems(good), []);
  for (const [changed, problem] of [
    [{ tokenFile: at('bad') }, /bad cannot be used: it holds 2 tokens, and this host shows one/],
    [{ tokenFile: at('none') }, /none cannot be used/],
    [{ ca: at('empty') }, /empty cannot be used/],
    [{ key: at('b.key') }, /b\.key cannot be used: this key does not belong to the certificate/],
    [{ certificate: at('a.key') }, /a\.key cannot be used/],
  ] as const) {
    const said = new Credentials().problems({ ...good, ...changed });
    assert.match(said.join(), problem);
    assert.ok(!said.join().includes('two'), 'nothing of its content');
  }
});
