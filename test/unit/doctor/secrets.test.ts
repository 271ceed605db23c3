/** Secrets that others than root can read. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { filesWithSecrets, secretsCheck } from '../../../agent/doctor/checks/secrets-check.ts';
import { patientHost, seenOn } from '../../parts/doctor-patient.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root, to give files away';
const TOKEN = '/etc/holdfast/token';

/** The doctor's words about a token file of this mode and owner, in a folder of this mode. */
function said(t: TestContext, mode: number, [uid, gid] = [0, 0], folder = 0o755): string | undefined {
  const yaml = `report: { endpoint: "https://c.example", token-file: ${TOKEN} }`;
  const patient = { files: { [TOKEN.slice(1)]: 'secret' }, yaml };
  const host = patientHost(t, patient);
  const at = (path: string) => join(host.root, path);
  for (const above of ['', 'etc']) chmodSync(at(above), 0o755);
  chmodSync(at('etc/holdfast'), folder);
  chmodSync(at(TOKEN), mode);
  chownSync(at(TOKEN), uid!, gid!);
  const seen = seenOn(host, secretsCheck, patient);
  assert.ok(seen.every(({ code }) => code === 'HF-SECRET-READABLE'));
  return seen[0]?.seen;
}

test('doctor, secrets: a secret that only root can read is no finding', { skip }, (t) => {
  for (const mode of [0o600, 0o400, 0o640, 0o660]) assert.equal(said(t, mode), undefined, mode.toString(8));
  assert.equal(said(t, 0o644, [0, 0], 0o700), undefined, 'nobody comes to it');
  assert.equal(said(t, 0o640, [0, 12], 0o701), `${TOKEN} can be read by group 12 (mode 0640)`);
});

test('doctor, secrets: the finding names who else can read the secret', { skip }, (t) => {
  assert.equal(said(t, 0o644), `${TOKEN} can be read by every user (mode 0644)`);
  assert.equal(said(t, 0o640, [0, 12]), `${TOKEN} can be read by group 12 (mode 0640)`);
  assert.equal(said(t, 0o600, [12, 0]), `${TOKEN} can be read by user 12, whose file it is`);
  assert.equal(said(t, 0o644, [0, 0], 0o750), undefined);
});

test('doctor, secrets: credentials of systemd and missing files are no finding', (t) => {
  for (const file of ['credential:token', '/etc/nothing']) {
    const yaml = `report: { endpoint: "https://c.example", token-file: "${file}" }`;
    assert.deepEqual(seenOn(patientHost(t, {}), secretsCheck, { yaml }), []);
  }
});

test('doctor, secrets: a file of the configuration counts only if it holds a secret of the kernel', (t) => {
  const files = {
    'etc/holdfast/agent.yaml': 'sysctl: { net.ipv4.ip_forward: 1 }\n',
    'etc/holdfast/agent.d/secret.yaml': 'sysctl: { net.ipv6.conf.all.stable_secret: "fe80::5ec" }\n',
  };
  const names = Object.keys(files).map((name) => `/${name}`);
  assert.deepEqual(filesWithSecrets(patientHost(t, { files }), names), ['/etc/holdfast/agent.d/secret.yaml']);
});
