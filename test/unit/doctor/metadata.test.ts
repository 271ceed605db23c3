/** Doctor says if a value from the cloud is unknown or old. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asciiJson } from '../../../agent/config/ascii.ts';
import { metadataCheck } from '../../../agent/doctor/checks/metadata-check.ts';
import { seenBy } from '../../parts/doctor-patient.ts';
import { sysfs } from '../../parts/metadata-scene.ts';

const MAC = '0e:49:61:0f:c3:11';
const yaml = "routes: [{ to: 'metadata:vpc-ipv4-cidr-blocks', via: 10.0.0.1 }]\n";

function record(asOf: number, problems: Record<string, string> = {}): Record<string, string> {
  const source = 'EC2’s metadata';
  const fetched = { 'vpc-ipv4-cidr-blocks': { mac: MAC, device: 'eth0', values: ['10.0.0.0/16'], asOf, source } };
  return { 'var/lib/holdfast/metadata.json': asciiJson({ fetched, problems }) };
}

test('doctor, metadata: an unknown value is a problem, and an old one is reported with its age', (t) => {
  const seen = (files: Record<string, string>) =>
    seenBy(t, metadataCheck, { yaml, files: { ...sysfs({ eth0: MAC }), ...files } });
  const code = 'HF-METADATA';
  assert.deepEqual(seen({}), [
    { code, severity: 'problem', seen: 'vpc-ipv4-cidr-blocks is not known yet: it was never fetched' },
  ]);
  assert.deepEqual(seen(record(Date.now())), []);
  assert.deepEqual(seen(record(Date.now() - 120_000, { 'vpc-ipv4-cidr-blocks': 'it fails (500)' })), [
    { code, seen: 'vpc-ipv4-cidr-blocks is 10.0.0.0/16, fetched 2 min ago: it fails (500)' },
  ]);
  assert.deepEqual(seen(record(Date.now() - 3_600_000)), [
    { code, seen: 'vpc-ipv4-cidr-blocks is 10.0.0.0/16, fetched 60 min ago' },
  ]);
});

test('doctor, metadata: without a route that asks the cloud there is no finding', (t) => {
  assert.deepEqual(seenBy(t, metadataCheck, { yaml: 'routes: [{ to: 10.0.0.0/16, via: 10.0.0.1 }]\n' }), []);
});
