/**
 * The dhclient.conf editor against the real parser: dhclient reads every edited file of the corpus, and generated ones,
 * without an error; gets the wanted values on each interface; and, where it could read the file before, gets everything
 * else as before.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { editConf } from '../../agent/clients/dhclient/conf/editor.ts';
import { parseConf } from '../../agent/clients/dhclient/conf/grammar/grammar.ts';
import { wantedIn, wantedRequest } from '../../agent/clients/dhclient/conf/wanted.ts';
import type { DesiredDhcp } from '../../agent/config/desired.ts';
import { confValue, envName, envValue, findOption, optionNames } from '../../agent/config/notation/dhcp-options.ts';
import { confText, damagedText, wishes } from '../parts/dhclient-arbitrary.ts';
import { EXAMPLES, WANTED } from '../parts/dhclient-wanted.ts';
import { cannotProbe, type Probed, probe } from '../parts/lab/conf-probe.ts';

const CORPUS = new URL('../corpus/dhclient/', import.meta.url);
const INCLUDES = {
  'included.conf':
    'supersede domain-name-servers 192.0.2.99;\nsupersede domain-search "included.example";\nalso request time-servers;\n',
};
const IFACES = ['eth0', 'eth1'] as const;
const seed = Number(process.env.HOLDFAST_SEED ?? Date.now() % 2 ** 31);
const skip = cannotProbe() ?? false;
console.log(`dhclient-conf: ${skip ? `skipped, ${skip}` : `generated with HOLDFAST_SEED=${seed}`}`);

test('dhclient.conf: what the script finds in its environment is what options.ts says, for every option', {
  skip,
}, async () => {
  const settable = optionNames().flatMap((name) => {
    const definition = findOption(name)!;
    const values = EXAMPLES[definition.format];
    // dhclient itself needs the lease's own times, address and message type.
    return values && !/^dhcp-(message|option|server|requested|lease|re)/.test(name) ? [{ definition, values }] : [];
  });
  const text = settable
    .map(
      ({ definition, values }) =>
        `${definition.definition ?? ''}\nsupersede ${definition.name} ${confValue(definition, values)};\n`,
    )
    .join('');
  const [result] = await probe([{ text, iface: 'eth0' }]);
  assert.deepEqual(result!.errors, []);
  assert.ok(settable.length > 150);
  const found = settable.map(({ definition }) => [envName(definition), result!.env.get(envName(definition))]);
  const said = settable.map(({ definition, values }) => [envName(definition), envValue(definition, values)]);
  assert.deepEqual(found, said);
});

test('dhclient.conf: dhclient reads every edited file of the corpus', { skip }, async () => {
  const names = readdirSync(CORPUS).filter((name) => name.endsWith('.conf'));
  assert.ok(names.length >= 60);
  await compare(names.map((name) => ({ name, text: readFileSync(new URL(name, CORPUS), 'latin1'), wanted: WANTED })));
});

test('dhclient.conf: dhclient reads generated files with generated edits', { skip }, async () => {
  const samples = fc.sample(fc.tuple(confText, wishes), { seed, numRuns: 100 });
  await compare(samples.map(([text, wanted], index) => ({ name: `generated ${index}`, text, wanted })));
});

test('dhclient.conf: the editor names an interface only if the file named it, because dhclient configures what its file names', {
  skip,
}, async () => {
  const text = 'timeout 20;\n';
  const shared = editConf(text, WANTED);
  const named = editConf(text, WANTED, ['eth1']);
  assert.ok(shared.ok && named.ok);
  const results = await probe([text, shared.text, named.text].map((conf) => ({ text: conf, iface: 'eth0' })));
  const interfaces = results.map((result) => [...result.interfaces].sort());
  assert.deepEqual(interfaces, [['eth0'], ['eth0'], ['eth0', 'eth1']]);
});

test('dhclient.conf: the grammar finds an error where dhclient does, and none where it does not', {
  skip,
}, async () => {
  const texts = fc.sample(damagedText, { seed, numRuns: 200 });
  const results = await probe(texts.map((text) => ({ text, iface: 'eth9' })));
  const differing = texts.filter((text, at) => parseConf(text).problems.length > 0 !== results[at]!.errors.length > 0);
  assert.ok(results.filter(({ errors }) => errors.length > 0).length > 100);
  // Conditions of the wrong type are left to dhclient: 1 of 2,000 texts differed when this was written.
  assert.ok(differing.length <= 2, differing.join('\n=====\n'));
});

interface Case {
  readonly name: string;
  readonly text: string;
  readonly wanted: DesiredDhcp;
}

async function compare(cases: readonly Case[]): Promise<void> {
  const edited = cases.map(({ name, text, wanted }) => {
    const result = editConf(text, wanted, IFACES);
    if (!result.ok) assert.fail(`${name}: ${JSON.stringify(result.problems)}`);
    return result;
  });
  const runs = cases.flatMap(({ text }, at) =>
    IFACES.flatMap((iface) => [
      { text, iface },
      { text: edited[at]!.text, iface },
    ]),
  );
  const results = await probe(runs, INCLUDES);
  for (const [at, example] of cases.entries())
    for (const [nth, iface] of IFACES.entries()) {
      const [before, after] = results.slice(at * 4 + nth * 2) as [Probed, Probed];
      const what = `${example.name} on ${iface}\n${example.text.slice(0, 3000)}\n→\n${edited[at]!.text.slice(0, 4000)}`;
      assert.deepEqual(after.errors, [], what);
      assert.deepEqual(managed(after, example.wanted, iface), wantedEnv(example.wanted, iface), what);
      // Unreadable texts, and those with an earlier block of ours, are not tested here.
      if (before.errors.length > 0 || example.text.includes('# BEGIN holdfast')) continue;
      assert.deepEqual(unmanaged(after, example.wanted, iface), unmanaged(before, example.wanted, iface), what);
      // The editor does not change the request list of an included file.
      if (!example.text.includes('include'))
        assert.deepEqual(after.requested, wantedRequests(before, example.wanted, iface), what);
    }
}

function wantedEnv(wanted: DesiredDhcp, iface: string): Map<string, string | undefined> {
  return new Map(
    wantedIn(wanted, iface).map(({ definition, values }) => [envName(definition), envValue(definition, values)]),
  );
}

function managed({ env }: Probed, wanted: DesiredDhcp, iface: string): Map<string, string | undefined> {
  // An option that the file itself defines as one text has no final dots.
  const text = (name: string, value: string | undefined) =>
    name === 'new_domain_search' && value && !value.endsWith('.') ? value.replace(/(?= |$)/g, '.') : value;
  return new Map([...wantedEnv(wanted, iface).keys()].map((name) => [name, text(name, env.get(name))]));
}

function unmanaged({ env }: Probed, wanted: DesiredDhcp, iface: string): Map<string, string> {
  const ours = wantedEnv(wanted, iface);
  // The request list decides whether the server sends these. Addresses and times differ in each lease.
  const own = /^new_(routers|broadcast_address|ip_address|expiry|subnet_mask|domain_name|host_name)$/;
  return new Map([...env].filter(([name]) => name.startsWith('new_') && !ours.has(name) && !own.test(name)).sort());
}

function wantedRequests({ requested }: Probed, wanted: DesiredDhcp, iface: string): Set<string> {
  const { without, also } = wantedRequest(wanted, iface);
  const names = new Set(requested);
  for (const { name } of without) names.delete(name.replaceAll('-', '_'));
  for (const { name } of also) names.add(name.replaceAll('-', '_'));
  return names;
}
