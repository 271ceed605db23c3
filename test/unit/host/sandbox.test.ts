/** Secrets from systemd by name, and what an error says outside a service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretProblem } from '../../../agent/config/notation/endpoint.ts';
import { hostError } from '../../../agent/host/errors.ts';
import { secretFile } from '../../../agent/host/service/secret-files.ts';

test('sandbox: a credential is a file of the folder that systemd names; a path is itself', (t) => {
  const before = process.env.CREDENTIALS_DIRECTORY;
  t.after(() => {
    if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = before;
  });
  process.env.CREDENTIALS_DIRECTORY = '/run/credentials/holdfast.service';
  assert.equal(secretFile('credential:token'), '/run/credentials/holdfast.service/token');
  assert.equal(secretFile('/etc/holdfast/token'), '/etc/holdfast/token');
  for (const bad of ['credential:', 'credential:..', 'credential:../token', 'credential:a/b'])
    assert.throws(() => secretFile(bad), { message: `${bad} names no credential` });
  delete process.env.CREDENTIALS_DIRECTORY;
  assert.throws(() => secretFile('credential:token'), /LoadCredential=token:\/PATH/);
});

test('sandbox: the configuration takes a path or a credential’s name', () => {
  for (const good of ['/etc/holdfast/token', 'credential:token', 'credential:client.key'])
    assert.equal(secretProblem(good), undefined);
  assert.match(secretProblem('credential:../x') ?? '', /names no credential; write credential:token/);
  assert.match(secretProblem('token') ?? '', /is not absolute/);
});

test('sandbox: outside a systemd unit no directive is advised', () => {
  const { message } = hostError('write', '/proc/sys/vm/swappiness', Object.assign(new Error(), { code: 'EROFS' }));
  assert.equal(message, 'cannot write /proc/sys/vm/swappiness: its file system is read-only (EROFS)');
});
