/** The alert rules of packaging/prometheus, tried by Prometheus' own promtool, and their way to docs/alerts.md. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { built, missing } from '../../packaging/receivers/build.ts';
import { REPOSITORY } from '../parts/repository.ts';

const folder = join(REPOSITORY, 'packaging/prometheus');
const skip = missing('promtool');

interface Rules {
  groups: { rules: { alert?: string; annotations?: Record<string, string>; labels?: Record<string, string> }[] }[];
}

const rules = parse(readFileSync(join(folder, 'holdfast.rules.yml'), 'utf8')) as Rules;
const alerts = rules.groups.flatMap((group) => group.rules).filter((rule) => rule.alert !== undefined);

test('alerting rules: the configuration and the rules are valid', { skip }, () => {
  promtool('check', 'config', 'prometheus.yml');
});

test('alerting rules: each alert comes when it should, and no other', { skip }, () => {
  promtool('test', 'rules', 'holdfast.rules.test.yml', 'holdfast.silence.test.yml');
});

test('alerting rules: every alert is tried', () => {
  const tries = ['holdfast.rules.test.yml', 'holdfast.silence.test.yml']
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('');
  for (const { alert } of alerts) assert.match(tries, new RegExp(`alertname: ${alert}\\n +exp_alerts:\\n`), alert);
});

test('alerting rules: every alert says how grave it is and names a section of docs/alerts.md', () => {
  const headings = [...readFileSync(join(REPOSITORY, 'docs/alerts.md'), 'utf8').matchAll(/^## (.+)$/gm)];
  const anchors = headings.map(([, heading]) => heading!.toLowerCase().replaceAll(' ', '-'));
  for (const { alert, annotations, labels } of alerts) {
    assert.match(labels?.severity ?? '', /^(critical|warning|info)$/, alert);
    const { pathname, hash } = new URL(annotations?.runbook_url ?? '');
    assert.equal(pathname, '/usr/share/doc/holdfast/alerts.md', alert);
    const anchor = hash.slice(1);
    assert.ok(anchors.includes(anchor), `${alert}: docs/alerts.md has no section #${anchor}`);
  }
});

test('alerting rules: every condition that a probe can tell of is in docs/alerts.md, or has an alert of its own, or raises none', () => {
  const folders = ['probes', 'agent/daemon', 'agent/report'].map((name) => join(REPOSITORY, name));
  const sources = folders.flatMap((from) =>
    readdirSync(from, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(from, file), 'utf8')),
  );
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/(?:code: |condition\(\s*)'([a-z-]+)'/g)].map(([, code]) => code!),
  );
  assert.ok(codes.length > 15);
  const page = readFileSync(join(REPOSITORY, 'docs/alerts.md'), 'utf8');
  const excluded = /code!~"([^"]+)"/.exec(JSON.stringify(rules).replaceAll('\\"', '"'))?.[1]?.split('|') ?? [];
  for (const code of codes) assert.ok(page.includes(`\`${code}\``) || excluded.includes(code), code);
});

function promtool(...args: string[]): void {
  execFileSync(built('promtool')!, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}
