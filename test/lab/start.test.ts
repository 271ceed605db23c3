/** The executable starts where nothing but a minimal Debian is installed, and no environment of Node's changes it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { debianSystem, runOn, type Suite, suites, unableToMake } from '../parts/lab/debian.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { missing, scratch } from '../parts/scratch.ts';

const agent = join(REPOSITORY, 'dist/agent');
const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
const unbuilt = existsSync(agent) ? null : 'dist/agent is not there: npm run build makes it';

for (const [suite, name] of Object.entries(suites) as [Suite, string][]) {
  test(`dist/agent starts on a minimal ${name}`, { skip: unbuilt ?? unableToMake() ?? false }, (t) => {
    try {
      debianSystem(suite);
    } catch (error) {
      return t.skip(`debootstrap could not make it: ${(error as Error).message.trim().split('\n').at(-1)}`);
    }
    const told = runOn(suite, agent, ['--version']);
    assert.deepEqual([told.stderr, told.stdout, told.status], ['', `${version}\n`, 0]);
    const schema = runOn(suite, agent, ['schema']);
    assert.equal(schema.status, 0, schema.stderr);
    assert.match(JSON.parse(schema.stdout).$schema, /json-schema\.org/);
    const refused = runOn(suite, agent, ['plan']);
    assert.equal(refused.status, 1, refused.stderr);
    assert.match(refused.stderr, /\/etc\/holdfast\/agent\.yaml/);
  });
}

test('start: NODE_OPTIONS does not reach dist/agent', { skip: unbuilt ?? false }, () => {
  const env = { ...process.env, NODE_OPTIONS: '--require /nonexistent.cjs' };
  const told = spawnSync(agent, ['--version'], { encoding: 'utf8', env });
  assert.deepEqual([told.stdout, told.status], [`${version}\n`, 0]);
});

test('start: no variable that Node or OpenSSL obeys decides what dist/agent reads, trusts or shows', {
  skip: unbuilt ?? missing('strace'),
}, (t) => {
  const folder = scratch(t);
  const env = {
    OPENSSL_CONF: `${folder}/openssl.cnf`,
    NODE_EXTRA_CA_CERTS: `${folder}/ca.pem`,
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    NODE_ICU_DATA: folder,
    NODE_DEBUG: 'module',
    TERM: 'dumb',
  };
  const opened = (program: string, ...args: string[]) => {
    const command = ['-f', '-s', '999', '-v', '-e', 'trace=openat,execve', program, ...args];
    return spawnSync('strace', command, { encoding: 'utf8', env: { ...env, PATH: process.env.PATH } });
  };
  const control = opened(process.execPath, '-e', '0');
  assert.match(control.stderr, new RegExp(`openat\\(.*"${folder}/openssl\\.cnf"`), 'a plain Node reads it');

  const told = opened(agent, '--version');
  assert.deepEqual([told.stdout, told.status], [`${version}\n`, 0]);
  assert.doesNotMatch(told.stderr, new RegExp(`openat\\(.*"${folder}`));
  const last = told.stderr.split('\n').findLast((line) => line.includes('execve('))!;
  assert.doesNotMatch(last, /NODE_|OPENSSL_/);
  assert.match(last, /"TERM=dumb"/);
});

test('start: what is about TLS only costs a command that speaks none no second start, and reaches nothing', {
  skip: unbuilt ?? missing('strace'),
}, (t) => {
  const folder = scratch(t);
  const env = { SSL_CERT_FILE: `${folder}/a`, SSL_CERT_DIR: folder, NODE_EXTRA_CA_CERTS: `${folder}/b`, NODE_ENV: 'x' };
  const starts = (...args: string[]) => {
    const command = ['-f', '-v', '-s', '999', '-e', 'trace=openat,execve', agent, ...args];
    const { stderr } = spawnSync('strace', command, { encoding: 'utf8', env: { ...env, PATH: process.env.PATH } });
    assert.doesNotMatch(stderr, new RegExp(`openat\\(.*"${folder}`), args[0]);
    return stderr.split('\n').filter((line) => line.includes('execve(')).length;
  };
  assert.equal(starts('schema'), 1);
  assert.equal(starts('status', '--root', scratch(t)), 1);
  assert.equal(starts('collector', '--listen', 'nonsense'), 2);
});

test('start: SIGUSR1 opens no debugger', { skip: unbuilt ?? false }, async (t) => {
  const port = async (program: string, args: string[]) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout!, 'data');
    child.kill('SIGUSR1');
    // Its thread answers at once or never. Any other signal that ends it comes later.
    const said = text(child.stderr!);
    await setTimeout(500);
    child.kill('SIGTERM');
    return said;
  };
  const idle = "console.log('up'); setInterval(() => {}, 1000)";
  assert.match(await port(process.execPath, ['--inspect-port=0', '-e', idle]), /Debugger listening/);
  const data = scratch(t);
  assert.doesNotMatch(await port(agent, ['collector', '--listen', '127.0.0.1:0', '--data', data]), /Debugger/);
});

test('start: dist/agent needs no library beside those of a minimal system', { skip: unbuilt ?? noReadelf() }, () => {
  const linked = spawnSync('readelf', ['--dynamic', agent], { encoding: 'utf8' });
  const libraries = [...linked.stdout.matchAll(/Shared library: \[([^\]]+)\]/g)].map(([, library]) => library ?? '');
  assert.ok(libraries.length > 0);
  const everywhere = /^(ld-linux-x86-64|lib(c|dl|m|pthread|gcc_s|stdc\+\+))\.so\.\d$/;
  assert.deepEqual(
    libraries.filter((library) => !everywhere.test(library)),
    [],
  );
});

function noReadelf(): string | false {
  return spawnSync('readelf', ['--version']).error ? 'readelf is not installed' : false;
}
