/** What is in the packages, and what Debian's and RHEL's own checks, man(1) and the shells say of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { VERSION } from '../../agent/commands/context/version.ts';
import { configSchema, jsonSchema } from '../../agent/config/schema/config-schema.ts';
import { bash, fish, zsh } from '../../packaging/completions.ts';
import { commandPage, configurationPage } from '../../packaging/man.ts';
import { program } from '../../packaging/whole-program.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { missing, scratch } from '../parts/scratch.ts';
import { DEB, DIST, output, RPM, unbuilt } from './built.ts';

/** The operator's own once they are there, which an upgrade leaves as they are. */
const CONFIGURATION = ['/etc/holdfast/agent.yaml.example', '/etc/iproute2/rt_protos.d/holdfast.conf'];

/** The files that every kind of package must have. */
const FILES = [
  '/usr/bin/agent',
  '/usr/lib/systemd/system/holdfast.service',
  '/usr/lib/systemd/system/holdfast-apply.service',
  '/usr/lib/systemd/system/holdfast-collector.service',
  '/usr/lib/systemd/system-generators/holdfast-generator',
  ...CONFIGURATION,
  '/usr/share/man/man8/agent.8.gz',
  '/usr/share/man/man8/holdfast.8.gz',
  '/usr/share/man/man5/agent.yaml.5.gz',
  '/usr/share/bash-completion/completions/agent',
  '/usr/share/zsh/vendor-completions/_agent',
  '/usr/share/fish/vendor_completions.d/agent.fish',
  '/usr/share/doc/holdfast/copyright',
  '/usr/share/doc/holdfast/holdfast.cdx.json',
  '/usr/share/licenses/holdfast/LICENSE.node',
  '/usr/share/holdfast/otelcol/config.yaml',
  '/usr/share/holdfast/grafana/holdfast.json',
  '/usr/share/holdfast/prometheus/holdfast.rules.yml',
  '/usr/share/holdfast/ansible/holdfast/README.md',
  '/usr/share/holdfast/ansible/holdfast/tasks/main.yml',
  '/usr/share/holdfast/puppet/holdfast/REFERENCE.md',
  '/usr/share/holdfast/puppet/holdfast/manifests/init.pp',
  '/usr/share/holdfast/salt/holdfast/init.sls',
  '/usr/share/holdfast/salt/holdfast/absent.sls',
  '/usr/share/holdfast/salt/holdfast/pillar.example',
];

suite('packages', { skip: unbuilt() }, () => {
  test('are at most 35 MB each, and have the checksums that stand beside them', () => {
    const sums = readFileSync(join(DIST, 'SHA256SUMS'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  '));
    assert.ok(sums.length >= 4);
    for (const [sum, name = ''] of sums) {
      assert.equal(
        createHash('sha256')
          .update(readFileSync(join(DIST, name)))
          .digest('hex'),
        sum,
        name,
      );
      assert.ok(statSync(join(DIST, name)).size <= 35e6, name);
    }
  });

  test('the .deb has every file, root’s own, and conffiles that are no configuration yet', () => {
    const listed = output('dpkg-deb', '--contents', DEB).trimEnd().split('\n');
    for (const file of FILES)
      assert.ok(
        listed.some((line) => line.endsWith(` .${file}`)),
        file,
      );
    for (const line of listed) assert.match(line, /^[d-]rw[x-]r-[x-]r-[x-] 0\/0 /);
    assert.equal(output('dpkg-deb', '--info', DEB, 'conffiles'), `${CONFIGURATION.join('\n')}\n`);
    assert.equal(output('dpkg-deb', '--field', DEB, 'Version').trim(), VERSION);
  });

  test('the .rpm has every file, and what an operator may have changed is never overwritten', {
    skip: missing('rpm'),
  }, () => {
    const listed = output('rpm', '-qlp', RPM).trimEnd().split('\n');
    for (const file of FILES) assert.ok(listed.includes(file), file);
    assert.equal(output('rpm', '-qp', '--configfiles', RPM), `${CONFIGURATION.join('\n')}\n`);
  });

  test('lintian finds no error', { skip: missing('lintian') }, () => {
    assert.equal(output('lintian', '--allow-root', '--fail-on', 'none', DEB), '');
  });

  test('rpmlint finds no error', { skip: missing('rpmlint') }, () => {
    const said = output('rpmlint', '--config', join(REPOSITORY, 'packaging/rpm/rpmlint.toml'), RPM);
    assert.match(said, /; 0 errors,/);
  });
});

test('package contents: the maintainer scripts are clean for shellcheck', { skip: missing('shellcheck') }, () => {
  const scripts = ['postinst', 'prerm', 'postrm'].map((name) => join(REPOSITORY, 'packaging/deb', name));
  const scriptlets = ['post', 'preun', 'postun'].map((name) => join(REPOSITORY, 'packaging/rpm', name));
  assert.equal(output('shellcheck', '--shell=sh', ...scripts, ...scriptlets), '');
});

test('package contents: the example is a configuration without a setting, and with its settings taken in a valid one', () => {
  const example = readFileSync(join(REPOSITORY, 'packaging/agent.yaml.example'), 'utf8');
  assert.equal(parse(example), null);
  const settings = example.slice(example.indexOf('\n\n')).replaceAll(/^# /gm, '');
  const { error } = configSchema.safeParse(parse(settings));
  assert.equal(error, undefined);
  assert.deepEqual(Object.keys(parse(settings)), [
    'dns',
    'dhcp',
    'sysctl',
    'forwarding',
    'report',
    'confirm',
    'probes',
    'expect',
  ]);
});

suite('manual pages', () => {
  const pages = {
    'agent.8': commandPage(program, VERSION, '2026-11-22'),
    'agent.yaml.5': configurationPage(jsonSchema(), VERSION, '2026-11-22'),
  };

  for (const [name, text] of Object.entries(pages)) {
    test(`${name}: mandoc and man have nothing to say`, { skip: missing('mandoc', 'man') }, (t) => {
      const file = join(scratch(t, {}), name);
      writeFileSync(file, text);
      const linted = spawnSync('mandoc', ['-Tlint', file], { encoding: 'utf8' });
      assert.equal(linted.stdout + linted.stderr, '');
      const shown = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', file], { encoding: 'utf8' });
      assert.equal(shown.stderr, '');
    });
  }

  test('agent(8) has every command, every option, the exit status and the examples', () => {
    for (const command of program.commands) {
      assert.ok(pages['agent.8'].includes(`.SS "agent ${command.name()}`), command.name());
      for (const option of command.options) assert.ok(pages['agent.8'].includes(option.long!.replaceAll('-', '\\-')));
    }
    assert.match(pages['agent.8'], /Exit status: 0 the host is as wanted/);
    assert.match(pages['agent.8'], /^sudo agent apply \\-\\-detailed\\-exitcodes \\-\\-json$/m);
  });

  test('agent.yaml(5) has keys of every depth, with their examples', () => {
    for (const key of [
      'dns.nameservers',
      'dhclient.request.without',
      'sysctl',
      'report.token\\-file',
      'expect.default.nexthops',
    ]) {
      assert.ok(pages['agent.yaml.5'].includes(`.B ${key}\n`), key);
    }
    assert.match(pages['agent.yaml.5'], /^search: \[dev\.example\.com, example\.com\]$/m);
  });
});

test('package contents: the help of every command says what its exit status means', () => {
  const leaves = (command: Command): Command[] =>
    command.commands.length > 0 ? command.commands.flatMap(leaves) : [command];
  const all = leaves(program);
  assert.ok(all.length > 10);
  for (const command of [program, ...all]) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    assert.match(help, /Exit status: 0 /, command.name());
  }
});

suite('completions', () => {
  const files = { 'agent.bash': bash(program), _agent: zsh(program), 'agent.fish': fish(program) };

  test('bash', { skip: missing('bash') }, (t) => {
    const folder = scratch(t, files);
    const complete = (...words: string[]) => {
      const script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _agent; echo "${COMPREPLY[@]}"';
      return output('bash', '-c', script, 'bash', join(folder, 'agent.bash'), 'agent', ...words).trim();
    };
    assert.equal(complete('pl'), 'plan');
    assert.equal(complete('apply', '--det'), '--detailed-exitcodes');
    assert.equal(complete('apply', '--only', 'sys'), 'sysctl');
    assert.equal(complete('apply', '--only', 'hooks,sys'), 'hooks,sysctl');
    assert.equal(
      complete('apply', '--only', 'hooks,routes,'),
      complete('apply', '--only', '').replaceAll(/\S+/g, 'hooks,routes,$&'),
    );
    assert.equal(complete('rehearse', 'l'), 'lease');
    assert.equal(complete('rehearse', 'se'), '', 'a hidden command');
    assert.equal(complete('rehearse', 'lease', '--reason', 'REN'), 'RENEW RENEW6');
    assert.equal(complete('probe', 'routes-'), 'routes-by-protocol');
    assert.equal(complete('probe', 'routes', 'lea'), 'leases');
  });

  test('fish', { skip: missing('fish') }, (t) => {
    const folder = scratch(t, files);
    const complete = (line: string) =>
      output('fish', '--no-config', '-c', `source ${folder}/agent.fish; complete -C '${line}'`).trim();
    assert.match(complete('agent pl'), /^plan\t/);
    assert.match(complete('agent apply --det'), /^--detailed-exitcodes\t/);
    assert.match(complete('agent apply --only sys'), /^sysctl\b/);
    assert.match(complete('agent apply --only hooks,sys'), /^hooks,sysctl\b/);
    assert.match(complete('agent rehearse l'), /^lease\t/m);
    assert.match(complete('agent probe routes-'), /^routes-by-protocol$/m);
  });

  test('zsh', { skip: missing('zsh') }, (t) => {
    const folder = scratch(t, files);
    const script =
      'fpath=($1 $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[agent]; autoload +X _agent && zsh -n $1/_agent';
    assert.equal(output('zsh', '-f', '-c', script, 'zsh', folder).trim(), '_agent');
  });
});
