/**
 * Lets real programs change one file, each in its own way, and prints what the witness says of each, one JSON document a
 * line. For a mount namespace of its own in which tracefs is mounted; the file is in the folder given.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Witness } from '../../../agent/daemon/heal/witness.ts';
import type { Finding } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';

const [folder, tracefs] = process.argv.slice(2) as [string, string];
/** No other test on this kernel writes a file of this name. */
const file = `${folder}/witnessed.conf`;
const found = (key: string, kind: Finding['kind'] = 'file'): Finding => {
  const common = { resource: 'test', moment: 'now', state: 'drifted', wanted: '', actual: '' } as const;
  return { ...common, kind, key, settings: async () => [] };
};
const finding = found(file);
const say = (deed: string, what: unknown) => console.log(JSON.stringify({ deed, what }));

const DEEDS: readonly (readonly [string, string])[] = [
  ['redirect', 'echo 1 >"$F"; :'],
  ['relative', 'cd "$(dirname "$F")"; echo 2 >>witnessed.conf; :'],
  ['sed', 'sed -i "s/2/3/" "$F"; :'],
  ['cp', 'cp /etc/passwd "$F"; :'],
  ['mv', 'echo 4 >"$F.new"; mv "$F.new" "$F"; :'],
  ['ln', 'ln -sf /etc/passwd "$F"; :'],
  ['rm', 'rm "$F"; :'],
  ['perl', `perl -e 'open(my $f, ">", $ENV{F}) or die; print $f "5\\n"'; :`],
  ['truncate', 'truncate -s 0 "$F"; :'],
];

const NO_FILES: readonly (readonly [Finding['kind'], string])[] = [
  ['link', 'eth0'],
  ['route', 'default via 10.0.0.1 dev eth0'],
  ['process', 'NetworkManager[12]'],
  ['table', 'table ip holdfast'],
  ['resource', 'masquerade'],
];

const FORGED = `my $forged = "$ENV{F}\\n      forged-1   [000] ..... 1.000000: sys_rename("; open(my $f, ">", $forged) or die;
  rename($forged, $ENV{F}) or die $!`;

writeFileSync(file, '');
const witness = new Witness(new Host());
say('before', witness.ask(finding));
witness.watch(finding);
for (const [deed, script] of DEEDS) {
  spawnSync('sh', ['-c', script], { env: { ...process.env, F: file }, stdio: 'inherit' });
  say(deed, witness.ask(finding));
  // What Holdfast does itself to put it right is nobody else's deed.
  rmSync(file, { force: true });
  writeFileSync(file, 'ours\n');
  witness.watch(finding);
}

// A process that still runs, so all its details can be read.
const daemon = spawn('sh', ['-c', 'echo 6 >"$F"; echo done; read line', 'a-daemon\u001b[31m'], {
  env: { ...process.env, F: file },
  stdio: ['pipe', 'pipe', 'inherit'],
});
await once(daemon.stdout!, 'data');
say('alive', { pid: daemon.pid, parent: process.pid, ...witness.ask(finding) });
say('asked again', witness.ask(finding));
daemon.stdin!.end('\n');
await once(daemon, 'exit');

// Its source text looks like a record, so the kernel does not record it.
witness.watch(finding);
spawnSync('perl', ['-e', FORGED], { env: { ...process.env, F: file }, stdio: 'inherit' });
say('forged', witness.ask(finding));

// More than the buffer holds, of files that are named alike.
witness.watch(finding);
const flood = 'mkdir "$F.d"; cd "$F.d"; n=0; while [ $n -lt 3000 ]; do : >witnessed.conf; n=$((n+1)); done';
spawnSync('sh', ['-c', flood], { env: { ...process.env, F: file } });
spawnSync('sh', ['-c', 'echo 7 >"$F.new"; mv "$F.new" "$F"; :'], { env: { ...process.env, F: file } });
say('flood', witness.ask(finding));

// A value of the kernel, which nobody else writes.
const value = found('net.ipv4.igmp_max_msf', 'sysctl');
witness.watch(value);
spawnSync('sh', ['-c', 'echo 11 >/proc/sys/net/ipv4/igmp_max_msf; :'], { stdio: 'inherit' });
say('value', witness.ask(value));

// A process without a file of its own. Another program's file of that name says nothing about it.
for (const [kind, key] of NO_FILES) {
  const thing = found(key, kind);
  witness.watch(thing);
  spawnSync('sh', ['-c', 'cd "$D" && echo 8 >"$F"; :'], {
    env: { ...process.env, D: folder, F: key },
    stdio: 'inherit',
  });
  say(`no file ${kind}`, witness.ask(thing));
}

// An agent in another container of the same kernel.
const second = new Witness(new Host());
witness.watch(finding);
second.watch(finding);
spawnSync('sh', ['-c', 'echo 9 >"$F"; :'], { env: { ...process.env, F: file } });
say('first agent', witness.ask(finding));
say('second agent', second.ask(finding));
say('instances', readdirSync(`${tracefs}/instances`));
second.close();
witness.close();
say('left', readdirSync(`${tracefs}/instances`));
say('definitions', readable(`${tracefs}/kprobe_events`));

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
