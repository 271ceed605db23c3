/** The floors of the program: no import runs upward, none runs in a circle. Type imports count. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';

/** Folders that nearly every folder may import. */
const BASE = ['agent/address', 'agent/host', 'agent/config'];
/** The base, and what is known of name servers, resolv.conf and DHCP clients. */
const NAMES = [...BASE, 'agent/resolver', 'agent/clients'];

/** Each folder, from the bottom up, and the lower folders that it may import. */
const floors: Record<string, string[]> = {
  'agent/address': [],
  'agent/host': ['agent/address'],
  'agent/config': ['agent/address'],
  'agent/dns': [...BASE],
  'agent/resolver': [...BASE],
  'agent/metadata': [...BASE],
  'agent/hold': [...BASE, 'agent/dns', 'agent/resolver'],
  'agent/clients': [...BASE, 'agent/resolver', 'agent/metadata', 'agent/hold'],
  'agent/nearest': [...BASE],
  'agent/egress': [...BASE, 'agent/clients'],
  'agent/depends/ledger': [...BASE],
  'agent/resources': [...NAMES, 'agent/depends/ledger', 'agent/dns', 'agent/hold', 'agent/egress', 'agent/metadata'],
  'agent/doctor': [...NAMES, 'agent/depends', 'agent/hold', 'agent/metadata', 'agent/resources'],
  'agent/rehearse': [...NAMES, 'agent/depends', 'agent/depends/ledger', 'agent/dns', 'agent/resources'],
  'agent/restart': [...NAMES, 'agent/rehearse'],
  probes: [...NAMES, 'agent/depends/ledger', 'agent/dns', 'agent/egress', 'agent/metadata', 'agent/nearest'],
  'agent/depends': [...NAMES, 'agent/depends/ledger'],
  'agent/report': [...BASE, 'probes'],
  'agent/confirm/wire': [],
  'agent/collector': ['agent/address', 'agent/config', 'agent/confirm/wire', 'agent/depends', 'probes'],
  'agent/confirm': [...NAMES, 'agent/confirm/wire', 'agent/dns', 'agent/hold', 'agent/report', 'agent/resources'],
  'agent/daemon': [
    ...NAMES,
    'agent/confirm',
    'agent/depends',
    'agent/depends/ledger',
    'agent/dns',
    'agent/egress',
    'agent/metadata',
    'agent/nearest',
    'agent/report',
    'agent/hold',
    'agent/resources',
    'agent/restart',
    'probes',
  ],
};
floors['agent/commands'] = Object.keys(floors);
floors['agent/command-line'] = Object.keys(floors);
floors.agent = Object.keys(floors);

/** Files that may import a door to the operating system. A type, or a function that only checks a text, is no door. */
const doors: Record<string, { modules: RegExp; openers: Record<string, string> }> = {
  files: {
    modules: /^node:fs(\/promises)?$/,
    openers: {
      'agent/host': 'the door for everybody else',
      'agent/command-line/parsed-values.ts': 'whether the folder of --root is there',
      'agent/collector/admission/access.ts': 'its secrets',
      'agent/collector/store/database.ts': 'its own disk',
      'agent/collector/page.ts': 'the files of the page',
      'agent/collector/retire/expected-names.ts': 'the list of expected hosts',
      'agent/collector/admission/server.ts': 'its certificates',
      'agent/commands/output/write-sync.ts': 'standard output',
      'agent/daemon/files/operator-paths.ts': 'where the files of the operator really are',
      'agent/daemon/files/watcher.ts': 'inotify',
      'agent/report/spool/queue.ts': 'the spool',
      'agent/report/spool/segments.ts': 'the spool',
      'probes/egress/traps.ts': '/proc/net/netstat',
      'probes/memory-errors/kmsg.ts': '/dev/kmsg',
      'probes/memory-errors/log-follower.ts': 'logs',
    },
  },
  network: {
    modules: /^node:(net|dgram|dns(\/promises)?|https?|http2|tls)$/,
    openers: {
      'agent/host/netlink/listener.ts': 'the socket of netlink as a stream',
      'agent/host/routing-daemons/control-socket.ts': 'questions to routing daemons of this host',
      'agent/host/trace/send-proof.ts': 'sends to this host itself, which prove a trace',
      'agent/collector/admission/server.ts': 'the door of the collector',
      'agent/collector/confirm/inbound-tries.ts': 'a port of a host on trial',
      'agent/metadata/clouds/http.ts': 'the service of the cloud',
      'agent/nearest/measure.ts': 'times to connect',
      'agent/rehearse/server/advertise.ts': 'the routers there, whose frames the kernel takes by UDP',
      'agent/rehearse/server/serve.ts': 'the DHCP server at the far side of the stage',
      'agent/rehearse/server/serve6.ts': 'the same for DHCPv6',
      'agent/report/delivery/http-client.ts': 'deliveries',
      'agent/report/delivery/connect.ts': 'deliveries',
      'agent/dns/ask-tcp.ts': 'questions to name servers by TCP',
      'agent/dns/ask.ts': 'questions to name servers',
    },
  },
  processes: {
    modules: /^node:(child_process|cluster|worker_threads)$/,
    openers: {
      'agent/host/kernel/igmp-queries.ts': 'perl, which has the raw socket',
      'agent/host/process/run-program.ts': 'the door for everybody else',
      'agent/rehearse/live-stage.ts': 'the stage of a running client, and its server',
      'agent/rehearse/script-stage.ts': 'the stage',
      'agent/restart/ask-server.ts': 'a question to the DHCP server',
      'agent/restart/launch.ts': 'a dhclient that outlives the agent',
    },
  },
};
/**
 * Files of agent/host that look at files by themselves, and why no apply needs a record of these looks (recorded-looks.ts):
 * all others look by agent/host/looks.ts.
 */
const UNRECORDED: Record<string, string> = {
  'agent/host/looks.ts': 'records them',
  'agent/host/files/read.ts': 'records them',
  'agent/host/process/processes.ts': 'a larger look, which is recorded; the clock',
  'agent/host/netlink/socket.ts': 'conversations, which are recorded',
  'agent/host/netlink/native.ts': 'the descriptor of a socket',
  'agent/host/files/atomic.ts': 'changes a file, which ends the record',
  'agent/host/files/trusted-path.ts': 'changes a file, which ends the record',
  'agent/host/files/lock.ts': 'makes the lock, which ends the record',
  'agent/host/files/make-folders.ts': 'makes a folder, which ends the record',
  'agent/host/host.ts': 'removes a folder, which ends the record',
  'agent/host/kernel/sysctl-values.ts': 'writes a value, which ends the record',
  'agent/host/files/foreign-tree.ts': 'for `depends`',
  'agent/host/process/network-addresses.ts': 'for `depends`',
  'agent/host/kernel/control-groups.ts': 'for the daemon',
  'agent/host/kernel/memory-limit.ts': 'for probes',
  'agent/host/kernel/route-counters.ts': 'for probes',
  'agent/host/netlink/listener.ts': 'hears, where a resource is followed',
  'agent/host/service/journal.ts': 'its own output',
  'agent/host/service/notify.ts': 'for the daemon',
  'agent/host/trace/file-traces.ts': 'for the daemon',
  'agent/host/trace/route-traces.ts': 'for the daemon',
  'agent/host/trace/tracefs.ts': 'for the daemon',
};
/** Those of them that no apply may reach, because nothing would say that their looks are missing in the record. */
const BEYOND_APPLY = /^for /;
/** Files that ask for the addresses of this host by themselves, for a command that records nothing. */
const OWN_ADDRESSES = [
  'agent/confirm/witnesses/collector-witnesses.ts',
  'agent/dns/ask.ts',
  'agent/host/looks.ts',
  'agent/host/netlink/routes/one-trie.ts',
  'agent/rehearse/without/refusal.ts',
];
const OPENS_NOTHING = /^(type .*|isIP|isIPv4|isIPv6|BlockList|SocketAddress)$/;

const sources = globSync('{agent,probes}/**/*.ts', { cwd: REPOSITORY });
const graph = new Map(sources.map((file) => [file, importsOf(file)]));

test('layers: no import runs upward', () => {
  assert.ok(sources.length > 10);
  const wrong: string[] = [];
  for (const [file, imports] of graph) {
    const own = floorOf(file);
    for (const imported of imports) {
      const other = floorOf(imported);
      if (other !== own && !floors[own]?.includes(other)) wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('layers: only the doors open files, the network and processes', () => {
  for (const [door, { modules, openers }] of Object.entries(doors)) {
    const through = sources.filter((file) => openedBy(file).some((name) => modules.test(name)));
    const listed = (file: string) => Object.keys(openers).find((one) => one === file || file.startsWith(`${one}/`));
    const found = new Set(through.map((file) => listed(file) ?? file));
    assert.deepEqual([...found].sort(), Object.keys(openers).sort(), door);
  }
});

test('layers: what an apply sees of the host is recorded', () => {
  const unrecorded = sources.filter((file) => file.startsWith('agent/host/') && openedBy(file).includes('node:fs'));
  assert.deepEqual(unrecorded.sort(), Object.keys(UNRECORDED).sort());
  const reached = new Set(['agent/commands/apply/put-right.ts']);
  for (const file of reached) for (const imported of graph.get(file) ?? []) reached.add(imported);
  const beyond = Object.entries(UNRECORDED).filter(([, why]) => BEYOND_APPLY.test(why));
  assert.deepEqual(
    beyond.map(([file]) => file).filter((file) => reached.has(file)),
    [],
  );
});

test('layers: the addresses of this host are asked for by looks.ts', () => {
  const asking = sources.filter((file) =>
    /networkInterfaces[^;]*} from 'node:os'/.test(readFileSync(join(REPOSITORY, file), 'utf8')),
  );
  assert.deepEqual(asking.sort(), OWN_ADDRESSES);
});

test('layers: no import runs in a circle', () => {
  assert.deepEqual(circlesIn(graph), []);
});

test('layers: no two folders side by side import each other, directly or by a third', () => {
  const beside = new Map<string, Set<string>>();
  for (const [file, imports] of graph) {
    for (const imported of imports) {
      const [own, other] = branchesOf(file, imported);
      if (own !== null && other !== null) beside.set(own, (beside.get(own) ?? new Set()).add(other));
    }
  }
  assert.ok(beside.size > 40);
  assert.deepEqual(circlesIn(beside), []);
});

test('layers: docs/architecture.md names every folder that has a floor', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/architecture.md'), 'utf8');
  const missing = Object.keys(floors).filter((folder) => folder !== 'agent' && !page.includes(`\`${folder}\``));
  assert.deepEqual(missing, []);
});

/** The circles among names, each of which leads to others: every one as the names on its way. */
function circlesIn(ways: ReadonlyMap<string, Iterable<string>>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, trail: string[]) => {
    if (trail.includes(name)) circles.push([...trail.slice(trail.indexOf(name)), name].join(' → '));
    if (trail.includes(name) || done.has(name)) return;
    for (const next of ways.get(name) ?? []) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of ways.keys()) visit(name, []);
  return circles;
}

/** The folders in which two files part, side by side in one folder; null for a file that is in that folder itself. */
function branchesOf(one: string, other: string): [string | null, string | null] {
  const [parts, others] = [one.split('/'), other.split('/')];
  const depth = parts.findIndex((part, index) => part !== others[index]);
  // `agent` and `probes` have floors of their own.
  if (depth === 0) return [null, null];
  const branch = (all: readonly string[]) => (all.length > depth + 1 ? all.slice(0, depth + 1).join('/') : null);
  return [branch(parts), branch(others)];
}

/** Paths of our own files that `file` imports, of types and dynamically too; package.json is nobody's floor. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport)[\s(]*'(\.[^']+\.ts)'/g);
  return [...found].map(([, path]) => normalize(join(dirname(file), path ?? '')));
}

/** Modules of Node of which a file imports, statically or not, more than types and checks of texts. */
function openedBy(file: string): string[] {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  const found = text.matchAll(/(?:import (type )?([^;'()]*?) from |import\(|import |require\()'(node:[^']+)'/g);
  return [...found].flatMap(([, type, names, name]) => {
    const each = /^\{(.*)\}$/s.exec(names ?? '')?.[1]?.split(',') ?? ['*'];
    const opens = each.some((one) => one.trim() !== '' && !OPENS_NOTHING.test(one.trim()));
    return type === undefined && opens ? [name!] : [];
  });
}

/** The folder that has a floor: files in folders below it belong to it. */
function floorOf(file: string): string {
  const folder = dirname(file);
  return folder === '.' || folder in floors ? folder : floorOf(folder);
}
