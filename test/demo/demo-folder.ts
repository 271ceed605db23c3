/**
 * The story of `npm start` where no throw-away host can be made (an ordinary user, or a part is missing): two folders stand
 * for the hosts. The files, the program and the hooks are real; the lease events are played.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { trustErrors } from '../../agent/config/source/trust.ts';
import { Host } from '../../agent/host/host.ts';
import { AGENT_YAML, NEW, nameservers, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';
import { colour, say, show, title } from './demo-print.ts';

const ENTER_HOOKS = 'etc/dhcp/dhclient-enter-hooks.d';
const RESOLV_CONF = 'etc/resolv.conf';
/** The enter hook with the folder's own paths; empty without Holdfast. */
const PLAYED = 'played-hook';

/** What Debian's dhclient-script does with resolv.conf at a lease, around the hooks that lie in the folder $1. */
const LEASE_EVENT = `
make_resolv_conf() {
    {
        echo "search $new_domain_search"
        for server in $new_domain_name_servers; do
            echo "nameserver $server"
        done
    } >"$1/${RESOLV_CONF}"
}
. "$1/${PLAYED}"
make_resolv_conf "$1"
`;

/** Tells the whole story. Returns false if Holdfast did not hold the folder. `agent`: the command of the program. */
export async function inFolder(reason: string, agent: readonly string[]): Promise<boolean> {
  title('Two folders, in place of two hosts');
  say(`Not shown, since this ${reason}: ${ROOTS_ALONE}.`);
  const scene = await mkdtemp(join(await safeFolder(), 'holdfast-'));
  try {
    const [without, withHoldfast] = [join(scene, 'without'), join(scene, 'with')];
    for (const root of [without, withHoldfast]) await begin(root);
    say(`Each dhclient read its dhclient.conf when it started: name servers ${OLD.join(' and ')}.`);
    say(`Those are to be switched off; ${NEW.join(' and ')} take over.`);

    title('Without Holdfast: the operator edits dhclient.conf and resolv.conf');
    await byHand(without);
    await look(without);
    say('All is well, it seems.');

    title('With Holdfast: one file, /etc/holdfast/agent.yaml');
    show(AGENT_YAML);
    await writeFile(join(withHoldfast, 'etc/holdfast/agent.yaml'), AGENT_YAML, { mode: 0o644 });
    const run = (...args: string[]) => runAgent(agent, withHoldfast, args);
    run('plan', '--only', 'resolver', 'dhclient');
    run('apply');
    run('status');

    title('The leases are renewed');
    say('A dhclient that runs has no reload: it hands dhclient-script what it read at its start. Played for both:');
    for (const root of [without, withHoldfast]) await playLease(root);
    say('Without Holdfast:');
    await look(without);
    say('With Holdfast:');
    await look(withHoldfast);
    run('apply');
    const renewed = await holds(withHoldfast);

    title('Another program writes the old name servers into resolv.conf');
    await writeFile(join(withHoldfast, RESOLV_CONF), lines(OLD));
    say('On a host `agent run`, the daemon, puts that right by itself; here `agent apply` does.');
    run('status');
    run('apply');
    await look(withHoldfast);

    title('What now');
    say('Started as root, where that may make namespaces, `npm start` shows the same with all that was left out here.');
    say(
      'README.md: the configuration, and how to copy dist/agent to a host; docs/commands.md: every command. `npm test` runs the tests.',
    );
    return renewed && (await holds(withHoldfast));
  } finally {
    await rm(scene, { recursive: true });
  }
}

const ROOTS_ALONE = 'real leases from a real DHCP server, kernel settings, the daemon, the collector and its page';

async function begin(root: string): Promise<void> {
  await mkdir(join(root, 'etc/holdfast'), { recursive: true });
  await mkdir(join(root, ENTER_HOOKS), { recursive: true });
  await writeFile(join(root, 'etc/dhcp/dhclient.conf'), OLD_DHCLIENT_CONF);
  await writeFile(join(root, RESOLV_CONF), lines(OLD));
}

async function byHand(root: string): Promise<void> {
  await writeFile(join(root, 'etc/dhcp/dhclient.conf'), OLD_DHCLIENT_CONF.replace(OLD.join(', '), NEW.join(', ')));
  await writeFile(join(root, RESOLV_CONF), lines(NEW));
}

/** The event RENEW of a dhclient that still has the old settings. */
async function playLease(root: string): Promise<void> {
  const hook = await readFile(join(root, ENTER_HOOKS, 'zz-holdfast'), 'utf8').catch(() => '');
  // It names the files of a host.
  const played = hook.replaceAll(/\/(?=(?:etc|run)\/)/g, `${root}/`).replaceAll('/proc/1/', '/proc/self/');
  await writeFile(join(root, PLAYED), played);
  const environment = {
    ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', reason: 'RENEW', interface: 'eth0' },
    ...{ new_domain_search: 'old.example.com', new_domain_name_servers: OLD.join(' ') },
  };
  const { status, stderr } = spawnSync('sh', ['-c', LEASE_EVENT, 'sh', root], { env: environment, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the played lease event failed: ${stderr}`);
}

async function look(root: string): Promise<void> {
  const held = await holds(root);
  const verdict = held ? colour('green', 'the new ones') : colour('red', 'the old ones, which are off: an outage');
  show(`resolv.conf: nameservers ${(await found(root)).join(', ')}; ${verdict}`);
}

async function holds(root: string): Promise<boolean> {
  return isDeepStrictEqual(await found(root), [...NEW]);
}

async function found(root: string): Promise<string[]> {
  return nameservers(await readFile(join(root, RESOLV_CONF), 'utf8'));
}

function lines(servers: readonly string[]): string {
  return servers.map((address) => `nameserver ${address}\n`).join('');
}

function runAgent([program = '', ...before]: readonly string[], root: string, args: readonly string[]): void {
  say(`$ agent ${args.join(' ')} --root ${root}`);
  const { error, stdout, stderr } = spawnSync(program, [...before, ...args, '--root', root], { encoding: 'utf8' });
  if (error) throw error;
  show(stdout + stderr);
}

/** For root, where nobody else may put another configuration in the way: what `agent` refuses would be no story. */
async function safeFolder(): Promise<string> {
  const folders = [tmpdir(), '/var/tmp', '/run', homedir()];
  if (process.geteuid?.() !== 0) return folders[0]!;
  const files = new Host();
  return folders.find((folder) => trustErrors(files, join(folder, 'holdfast')).length === 0) ?? folders[0]!;
}
