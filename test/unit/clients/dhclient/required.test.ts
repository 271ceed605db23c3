/** What a change of dhclient.conf would do beside what it is for: no lease for want of an option, statements that come to life. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { editConf } from '../../../../agent/clients/dhclient/conf/editor.ts';
import { requiredUnasked } from '../../../../agent/clients/dhclient/required.ts';
import { Host } from '../../../../agent/host/host.ts';
import { command } from '../../../parts/command.ts';
import { dhclient } from '../../../parts/desired.ts';
import { WANTED, wantedGlobally } from '../../../parts/dhclient-wanted.ts';
import { scratch } from '../../../parts/scratch.ts';

const FILE = '/etc/dhcp/dhclient.conf';

function without(...names: string[]) {
  return { ...dhclient(), global: { ...dhclient().global, request: { without: names, also: [] } } };
}

/** The places of a required option, as file and line. */
function places(
  t: TestContext,
  text: string,
  files: Record<string, string> = {},
  wanted = without('routers'),
): string[] {
  const host = new Host({ root: scratch(t, files) });
  return requiredUnasked(host, FILE, text, wanted).map((sentence) => sentence.split(' requires')[0]!);
}

test('request.without: an option that the file requires is named with its line', (t) => {
  assert.deepEqual(places(t, 'request routers;\nrequire subnet-mask, routers;\n'), [`${FILE}:2`]);
  assert.deepEqual(places(t, '# a\nREQUIRE subnet-mask,\n  routers;\n'), [`${FILE}:2`]);
  assert.deepEqual(places(t, 'require subnet-mask;\nalso require routers;\n'), [`${FILE}:2`]);
  assert.deepEqual(places(t, 'interface "eth0" {\n  require routers;\n}\n'), [`${FILE}:2`]);
  assert.deepEqual(places(t, 'require routers;\ninterface "eth0" { request subnet-mask; }\n'), [`${FILE}:1`]);
  assert.deepEqual(places(t, 'require routers, domain-name;\n', {}, without('domain-name', 'routers')), [
    `${FILE}:1`,
    `${FILE}:1`,
  ]);
  assert.deepEqual(places(t, 'require dhcp6.name-servers;\n', {}, without('dhcp6.name-servers')), [`${FILE}:1`]);
});

test('request.without: what is required no longer, or of another file, is no obstacle', (t) => {
  for (const text of [
    '',
    'require subnet-mask;\n',
    '# require routers;\n',
    'require routers;\nrequire subnet-mask;\n',
    'send host-name "require routers;";\n',
    'lease { option routers 10.0.0.1; }\n',
    'require routers\n',
  ])
    assert.deepEqual(places(t, text), [], text);
});

test('request.without: what an included file requires counts, also inside an interface block, and in a circle', (t) => {
  const files = { 'etc/dhcp/more.conf': 'require\n  routers;\n', 'etc/a.conf': `include "${FILE}.d";\n` };
  assert.deepEqual(places(t, 'include "/etc/dhcp/more.conf";\n', files), ['/etc/dhcp/more.conf:1']);
  assert.deepEqual(places(t, 'interface "eth0" { include "/etc/dhcp/more.conf"; }\n', files), [
    '/etc/dhcp/more.conf:1',
  ]);
  assert.deepEqual(
    places(t, 'include "/etc/a.conf";\n', {
      ...files,
      [`${FILE.slice(1)}.d`]: 'include "/etc/a.conf"; require routers;',
    }),
    [`${FILE}.d:1`],
  );
  assert.deepEqual(places(t, 'include "/etc/missing.conf";\nrequire routers;\n', files), [`${FILE}:2`]);
});

test('request.without beside require: plan, apply, status and doctor refuse it, and the file stays', async (t) => {
  const text = 'timeout 60;\nrequire subnet-mask, routers;\n';
  const root = scratch(t, {
    'etc/holdfast/agent.yaml': 'dhclient: { request: { without: [routers] } }\n',
    'etc/dhcp/dhclient.conf': text,
    'sbin/dhclient-script': '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d "$@"\n',
  });
  const ran = await Promise.all(['plan', 'apply', 'status', 'doctor'].map((name) => command(name, '--root', root)));
  for (const { stdout, stderr } of ran)
    assert.match(stdout + stderr, /\/etc\/dhcp\/dhclient\.conf:2 requires routers.*no lease/);
  assert.deepEqual(
    ran.map(({ status }) => status),
    [2, 4, 0, 2],
  );
  assert.equal(readFileSync(join(root, FILE), 'latin1'), text);
});

test('required options: a repair names each statement that it brings to life, with its line', () => {
  const broken =
    'supersede domain-name-servers 10.0.0.1 10.0.0.2;\nscript "/sbin/other";\nrequire routers;\ntimeout 60;\n';
  const wanted = wantedGlobally({ 'domain-name-servers': ['10.0.0.1'] });
  const edited = editConf(broken, wanted);
  assert.ok(edited.ok);
  assert.deepEqual(
    edited.warnings.map((warning) => /^line (\d+): dhclient skips "(.*?)" today/.exec(warning)?.slice(1)),
    [
      ['2', 'script "/sbin/other"'],
      ['3', 'require routers'],
    ],
  );
  const again = editConf(edited.text, wanted);
  assert.ok(again.ok);
  assert.deepEqual(again.warnings, []);
});

test('required options: a required option that only the repair brings to life is an obstacle, too', async (t) => {
  const text = 'supersede domain-name "a" "b";\nrequire routers;\n';
  const root = scratch(t, {
    'etc/holdfast/agent.yaml': 'dns: { domain: example.com }\ndhclient: { request: { without: [routers] } }\n',
    'etc/dhcp/dhclient.conf': text,
    'sbin/dhclient-script': '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d "$@"\n',
  });
  const { status, stdout } = await command('apply', '--root', root);
  assert.deepEqual([status, /dhclient\.conf:2 requires routers/.test(stdout)], [4, true], stdout);
  assert.equal(readFileSync(join(root, FILE), 'latin1'), text);
});

test('required options: a last statement without its semicolon is reported where it ends', () => {
  for (const [text, line, column] of [
    ['timeout 60;\nretry 5', 2, 8],
    ['timeout 60;\nretry 5\n\n# the end\n\n', 2, 8],
    ['send host-name "a\nb"\n', 2, 3],
    ['interface "eth0" {\n  timeout 5;\n\n\n', 1, 1],
  ] as const) {
    const edited = editConf(text, WANTED);
    assert.ok(!edited.ok, text);
    const [problem] = edited.problems;
    assert.deepEqual([problem?.line, problem?.column], [line, column], text);
  }
});
