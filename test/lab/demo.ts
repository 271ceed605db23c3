/**
 * `npm start`: what Holdfast is for, shown on two throw-away hosts that begin alike; only one of them gets Holdfast. Where
 * those cannot be made (not root, or a part is missing), what is left to show in a folder of files.
 */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, styleText } from 'node:util';
import { REPORT_YAML, startFleet } from './demo-fleet.ts';
import { startNameServer } from './dhcp.ts';
import { type LabHost, REPOSITORY, unavailable } from './host.ts';
import { AGENT_YAML, NEW, nameservers, OLD, OLD_DHCLIENT_CONF, type Scene, staleHost } from './scene.ts';

const BUILT = join(REPOSITORY, 'dist/agent');
const NAME = 'app.example.com';
const YAML = `${AGENT_YAML}sysctl:\n  net.ipv4.ip_forward: 1\n`;

say(
  "Holdfast keeps a Linux host's DNS and kernel settings where its operator put them, through every DHCP lease and reboot,",
);
say(
  'without bouncing the network. Nothing of this machine is touched: all that follows happens beside it, and goes away.',
);
if (existsSync(BUILT)) process.env.HOLDFAST_AGENT ??= BUILT;
const reason = unavailable();
if (reason === false) await onHosts();
else await inFolder(reason);

async function onHosts(): Promise<void> {
  title('Two hosts, started long ago');
  const [without, withHoldfast] = await Promise.all([begin(), begin()]);
  await using _1 = without;
  await using _2 = withHoldfast;
  say(`Each has a dhclient that read its dhclient.conf when it started: name servers ${OLD.join(' and ')}.`);
  say(`Those are to be switched off; ${NEW.join(' and ')} take over.`);

  title('Without Holdfast: the operator edits dhclient.conf and resolv.conf');
  await without.client.leased(); // time until the next one
  await byHand(without.host);
  await look(without.host);
  say('All is well, it seems.');

  title('With Holdfast: one file, /etc/holdfast/agent.yaml');
  show(YAML);
  await withHoldfast.host.write('/etc/holdfast/agent.yaml', YAML);
  await agent(withHoldfast.host, 'plan', '--only', 'resolver', 'sysctl');
  await agent(withHoldfast.host, 'apply');
  await agent(withHoldfast.host, 'status');

  title('The old name servers are switched off, and the leases are renewed');
  say('A dhclient that runs has no reload: it renews with what it read at its start. Waiting for 3 renewals …');
  await Promise.all([without, withHoldfast].map(({ servers }) => Promise.all(servers.map((server) => server.stop()))));
  await Promise.all([without.client.leased(3), withHoldfast.client.leased(3)]);
  say('Without Holdfast:');
  await look(without.host);
  say('With Holdfast:');
  await look(withHoldfast.host);
  await agent(withHoldfast.host, 'apply');
  if (!isDeepStrictEqual(nameservers(await withHoldfast.host.read('/etc/resolv.conf')), NEW)) process.exitCode = 1;

  title('The daemon holds the host, and the collector shows it');
  await fleet(withHoldfast.host);
}

/** `agent run` and `agent collector`; on a terminal they stay until Ctrl-C, for the page to be looked at. */
async function fleet(host: LabHost): Promise<void> {
  show(REPORT_YAML);
  await host.write('/etc/holdfast/agent.d/report.yaml', REPORT_YAML);
  say('$ agent collector --data /var/lib/holdfast/collector &');
  say('$ agent run &');
  const shown = await startFleet(host);
  say('Somebody writes the old name servers into resolv.conf:');
  await host.write('/etc/resolv.conf', OLD.map((address) => `nameserver ${address}\n`).join(''));
  say(`  ${await shown.event(/^holdfast\.heal$/)}`);
  await look(host);
  await agent(host, 'probe', 'routes', 'leases');
  const stays = process.stdout.isTTY && process.stdin.isTTY;

  title('What now');
  say(`The fleet's page: ${shown.url}/`);
  say(
    'README.md: the configuration, every command, and how to copy dist/agent to a host. `npm test` proves all of this.',
  );
  if (stays) {
    say('A heartbeat arrives every 2 seconds. Ctrl-C ends it, and everything goes away.');
    await once(process, 'SIGINT');
  } else {
    say('(No terminal here, so it ends now.)');
  }
  shown.close();
}

/** A host whose old and new name servers all answer; `servers` are the old ones. */
async function begin(): Promise<Scene & { servers: { stop(): Promise<void> }[] }> {
  const scene = await staleHost({ renewEvery: 2 });
  try {
    const answers = { [NAME]: '10.77.0.80' };
    const servers = await Promise.all(OLD.map((address) => startNameServer(scene.host, address, answers)));
    await Promise.all(NEW.map((address) => startNameServer(scene.host, address, answers)));
    return { ...scene, servers };
  } catch (error) {
    await scene.host.close();
    throw error;
  }
}

async function byHand(host: LabHost): Promise<void> {
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(OLD.join(', '), NEW.join(', ')));
  await host.write(
    '/etc/resolv.conf',
    `search example.com\n${NEW.map((address) => `nameserver ${address}\n`).join('')}`,
  );
}

/** Which name servers the host has now, and whether they are of any use to it. */
async function look(host: LabHost): Promise<void> {
  const servers = nameservers(await host.read('/etc/resolv.conf')).join(', ');
  const { code, stdout } = await host.run(['getent', 'ahostsv4', NAME]);
  const answer =
    code === 0
      ? colour('green', `${NAME} is ${stdout.split(' ')[0]}`)
      : colour('red', `${NAME} is not found: an outage`);
  show(`resolv.conf: nameservers ${servers}; ${answer}`);
}

async function agent(host: LabHost, ...args: string[]): Promise<void> {
  say(`$ agent ${args.join(' ')}`);
  const { stdout, stderr } = await host.agent(...args);
  show(stdout + stderr);
}

async function inFolder(reason: string): Promise<void> {
  title('In a folder, in place of a host');
  say(`Skipped: the throw-away hosts with a real dhclient and DHCP server, because this ${reason}.`);
  say('So no lease is renewed here, no kernel setting is set, and no process is looked at; the files are real.');
  const root = await mkdtemp(join(tmpdir(), 'holdfast-'));
  try {
    await mkdir(join(root, 'etc/holdfast'), { recursive: true });
    await mkdir(join(root, 'etc/dhcp/dhclient-enter-hooks.d'), { recursive: true });
    await writeFile(join(root, 'etc/dhcp/dhclient.conf'), OLD_DHCLIENT_CONF);
    await writeFile(join(root, 'etc/resolv.conf'), OLD.map((address) => `nameserver ${address}\n`).join(''));
    await writeFile(join(root, 'etc/holdfast/agent.yaml'), YAML, { mode: 0o644 });
    show(YAML);
    for (const args of [['plan', '--only', 'resolver', 'dhclient'], ['apply'], ['status'], ['apply']]) {
      say(`$ agent ${args.join(' ')} --root ${root}`);
      const [program, ...before] = existsSync(BUILT) ? [BUILT] : [process.execPath, join(REPOSITORY, 'agent/cli.ts')];
      const { stdout, stderr } = spawnSync(program!, [...before, ...args, '--root', root], { encoding: 'utf8' });
      show(stdout + stderr);
    }
  } finally {
    await rm(root, { recursive: true });
  }
}

function title(text: string): void {
  console.log(`\n${colour('bold', text)}`);
}

function say(text: string): void {
  console.log(text);
}

/** What a program or a file says. */
function show(text: string): void {
  console.log(text.trimEnd().replace(/^/gm, '  '));
}

function colour(format: 'bold' | 'green' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout });
}
