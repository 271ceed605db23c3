/**
 * The run of the program that its bytecode is made from: an `apply` that finds everything in place, in a throw-away
 * folder. What it calls is what every later `apply` starts with already compiled.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const configuration = `
dns:
  domain: example.com
  search: [dev.example.com, example.com]
  nameservers: [192.0.2.53, 2001:db8::53]
  sortlist: [192.0.2.0/24, 198.51.100.0/255.255.255.0]
  options: [timeout:1, rotate]
dhclient:
  supersede: { ntp-servers: [192.0.2.123] }
  request: { without: [routers], also: [interface-mtu] }
# What every kernel has already, and what it lets nobody change: this is the machine's own kernel.
sysctl:
  kernel.ostype: Linux
  kernel.pid_max: { atLeast: 1 }
  net/ipv4/conf/no.such/rp_filter: { value: 1, optional: true }
`;

/**
 * The same sources give the same bytecode: hashes of strings have no random seed, nothing is compiled or collected in the
 * background, and no garbage is collected at all, since that ages functions. None of these is among the flags by which V8
 * refuses bytecode. See warm.ts and renumber.ts for what else would differ.
 */
const SAME_EACH_TIME = ['--random-seed=1', '--predictable', '--v8-pool-size=0', '--min-semi-space-size=64'];
/** Nor does it depend on who builds: NO_COLOR, say, would have other functions called. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
/**
 * Nor does it depend on the processes and the network of this machine, which `--live` looks at. An ordinary user needs a user
 * namespace for that. Root does not, where the kernel or a container allows none.
 */
const APART = ['unshare', '--pid', '--fork', '--mount', '--mount-proc', '--net'];
const WAYS_APART = [[...APART, '--user', '--map-root-user'], APART];

/**
 * Writes `NAME.bytecode` beside every chunk in `folder`. It works beside that. `node`: the command that runs the Node which
 * the bytecode is for.
 */
export function rehearse(folder: string, node: readonly string[] = [process.execPath]): void {
  const host = mkdtempSync(join(dirname(folder), 'rehearsal-'));
  try {
    mkdirSync(join(host, 'etc/holdfast'), { recursive: true });
    mkdirSync(join(host, 'etc/dhcp'));
    writeFileSync(join(host, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n');
    writeFileSync(join(host, 'etc/dhcp/dhclient.conf'), 'request subnet-mask, routers, domain-name-servers;\n');
    writeFileSync(join(host, 'etc/holdfast/agent.yaml'), configuration, { mode: 0o644 });
    const apply = [
      ...[join(import.meta.dirname, 'warm.ts'), folder],
      ...['apply', '--root', host, '--config', join(host, 'etc/holdfast/agent.yaml')],
    ];
    // The first changes the folder, and the second, whose bytecode stays, finds nothing to do.
    run(node, apply);
    const apart = wayApart();
    if (apart === null) {
      // This machine's own resolved or dhclient is not to be told anything: without `--live` no process is looked at.
      console.log('  no namespaces here: the executable starts some milliseconds later than one built with them');
      run(node, apply);
    } else run([...apart, ...node], [...apply, '--live']);
    run(node, [join(import.meta.dirname, 'renumber.ts'), folder]);
  } finally {
    rmSync(host, { recursive: true });
  }
}

function run([program = '', ...before]: readonly string[], args: readonly string[]): void {
  execFileSync(program, [...before, ...SAME_EACH_TIME, ...args], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The first that works here; null: none does. */
function wayApart(): readonly string[] | null {
  return WAYS_APART.find(([program = '', ...options]) => spawnSync(program, [...options, 'true']).status === 0) ?? null;
}
