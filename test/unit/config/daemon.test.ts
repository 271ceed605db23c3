/** The settings of `agent run`: defaults, limits and compiled form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiledText, fromCompiled } from '../../../agent/config/compiled.ts';
import type { DesiredDaemon } from '../../../agent/config/desired-daemon.ts';
import { checkEndpoint } from '../../../agent/config/notation/endpoint.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';

async function daemon(yaml: string): Promise<DesiredDaemon> {
  const result = await load(yaml);
  assert.ok(result.ok, JSON.stringify(result));
  return result.daemon;
}

test('daemon settings: what is left out has its default', async () => {
  assert.deepEqual(await daemon('{}'), {
    report: {
      enforce: true,
      interval: 30_000,
      endpoint: null,
      format: 'protobuf',
      spool: 64 * 2 ** 20,
      ca: null,
      certificate: null,
      key: null,
      tokenFile: null,
      labels: {},
    },
    confirm: null,
    probes: { logs: [], journal: [], canary: 60_000, off: [] },
    expect: { defaultNexthops: null, groups: [] },
  });
});

test('daemon settings: every key has its meaning', async () => {
  const yaml = `
report:
  endpoint: https://Collector.example.com:4318/otlp//
  interval: 1500ms
  format: json
  spool: 2GiB
  enforce: false
  ca: /etc/ca.pem
  certificate: /etc/agent.pem
  key: /etc/agent.key
  token-file: /etc/token
  labels: { site: fra1, k8s.node: "1" }
probes:
  memory-errors: { logs: [{ path: /var/log/frr.log }], journal: [frr.service, bird@edge.service] }
  canary: { interval: 0s }
  off: [nameservers]
expect: { default: { nexthops: 2 } }
`;
  assert.deepEqual(await daemon(yaml), {
    report: {
      enforce: false,
      interval: 1500,
      endpoint: 'https://collector.example.com:4318/otlp',
      format: 'json',
      spool: 2 * 2 ** 30,
      ca: '/etc/ca.pem',
      certificate: '/etc/agent.pem',
      key: '/etc/agent.key',
      tokenFile: '/etc/token',
      labels: { site: 'fra1', 'k8s.node': '1' },
    },
    confirm: null,
    probes: {
      logs: [{ path: '/var/log/frr.log' }],
      journal: ['frr.service', 'bird@edge.service'],
      canary: 0,
      off: ['nameservers'],
    },
    expect: { defaultNexthops: 2, groups: [] },
  });
});

const ERRORS: [yaml: string, ...errors: string[]][] = [
  ['report: { interval: 30 }', '1:21: report.interval: 30 has no unit; write 30s'],
  ['report: { interval: 30sec }', '1:21: report.interval: "30sec" is no duration; write 30s'],
  ['report: { interval: 2h }', '1:21: report.interval: "2h" is out of range; write 1s to 1h'],
  [
    'probes: { canary: { interval: 25h } }',
    '1:31: probes.canary.interval: "25h" is out of range; write 0s (never), or 1s to 24h',
  ],
  ['report: { spool: 64MB }', '1:18: report.spool: "64MB" is no size; write 64MiB'],
  ['report: { spool: 1KiB }', '1:18: report.spool: "1KiB" is out of range; write 1MiB to 1024GiB'],
  [
    'report: { endpoint: collector.example.com }',
    '1:21: report.endpoint: "collector.example.com" is no URL; write https://collector.example.com:4318',
  ],
  [
    'report: { endpoint: "https://me:secret@c.example" }',
    '1:21: report.endpoint: holds a user name or password; leave them out, and write a token into a file (token-file)',
  ],
  [
    'report: { endpoint: "https://c.example/?token=secret" }',
    '1:21: report.endpoint: has a query or a fragment; write one such as https://collector.example.com:4318',
  ],
  ['report: { enforce: "no" }', '1:20: report.enforce: "no": write false'],
  ['report: { ca: ca.pem }', '1:15: report.ca: "ca.pem" is not absolute; write one such as ca.pem'],
  ['report: { certificate: /a }', '1:11: report.certificate: needs the file of its private key beside it: key'],
  ['report: { key: /a }', '1:11: report.key: needs the file of its certificate beside it: certificate'],
  [
    'report: { endpoint: "http://c.example", ca: /a }',
    '1:41: report.ca: needs TLS, and the endpoint has none; write https:// there, or leave this out',
  ],
  [
    'report: { endpoint: "http://c.example", token-file: /a }',
    '1:41: report.token-file: would be sent in the clear; write https:// in the endpoint',
  ],
  ['report: { labels: { rack: 12 } }', '1:27: report.labels.rack: 12 is not text; write it in quotes: "12"'],
  [
    'report: { labels: { "a b": x } }',
    '1:21: report.labels.a b: "a b" is no label; write up to 63 letters, digits, _ . and -, a letter or _ first',
  ],
  [
    'report: { token: x }',
    '1:11: report.token: unknown key; write one of endpoint, interval, format, spool, enforce, ca, certificate, key, token-file, labels',
  ],
  ['probes: { off: [nameserver] }', '1:17: probes.off[0]: "nameserver" is not known; did you mean "nameservers"?'],
  [
    'probes: { memory-errors: { logs: [{ pth: /a }] } }',
    '1:35: probes.memory-errors.logs[0].path: is missing; write it',
    '1:37: probes.memory-errors.logs[0].pth: unknown key; did you mean "path"?',
  ],
  [
    'probes: { memory-errors: { journal: [frr, "bird*", /var/log/frr.log, a.service, a.service] } }',
    '1:38: probes.memory-errors.journal[0]: "frr" has no type; write frr.service',
    '1:43: probes.memory-errors.journal[1]: "bird*" is no unit; write a whole name, such as frr.service',
    '1:52: probes.memory-errors.journal[2]: "/var/log/frr.log" is a file; list it below logs: [{ path: /var/log/frr.log }]',
    '1:81: probes.memory-errors.journal[4]: "a.service" is listed above already; keep one of them',
  ],
  ['expect: { default: { nexthops: 0 } }', '1:32: expect.default.nexthops: write a whole number from 1'],
];

for (const [yaml, ...errors] of ERRORS) {
  test(`says what is wrong in ${yaml}`, async () => {
    assert.deepEqual(
      await errorsOf(yaml),
      errors.map((error) => `agent.yaml:${error}`),
    );
  });
}

test('daemon settings: a token may be sent to this host without TLS', async () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    await daemon(`report: { endpoint: "http://${host}:4318", token-file: /a }`);
  }
});

test('daemon settings: the compiled form keeps it', async () => {
  const result = await load('report: { interval: 5s }');
  assert.ok(result.ok);
  const { desired, daemon, hash } = result;
  const text = compiledText('build', [], { desired, daemon, hash });
  assert.deepEqual(fromCompiled(text, 'build', []), { desired, daemon, hash });
});

test('daemon settings: an endpoint with the path of a signal means the receiver of all of them', () => {
  for (const path of ['/v1/metrics', '/v1/logs/', '/v1/traces', '//v1/metrics'])
    assert.deepEqual(
      checkEndpoint(`https://c.example:4318/otlp${path}`),
      { value: 'https://c.example:4318/otlp' },
      path,
    );
  assert.deepEqual(checkEndpoint('https://c.example/v1/metrics'), { value: 'https://c.example' });
  for (const kept of ['/v1/metricsx', '/api/v1', '/v1/metrics/push'])
    assert.deepEqual(checkEndpoint(`https://c.example${kept}`), { value: `https://c.example${kept}` });
});
