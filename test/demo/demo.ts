/**
 * `npm start`: what Holdfast is for, shown on two throw-away hosts that begin alike; only one of them gets Holdfast. Where
 * those cannot be made (not root, or a part is missing), the same story in two folders of files.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, NEW, nameservers, OLD, OLD_DHCLIENT_CONF, type Scene, staleHost } from '../parts/lab/scene.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { REPORT_YAML, startFleet } from './demo-fleet.ts';
import { inFolder } from './demo-folder.ts';
import { colour, say, show, title } from './demo-print.ts';
import { retireStory } from './demo-retire.ts';

const BUILT = join(REPOSITORY, 'dist/agent');
const NAME = 'app.example.com';
/** Makes dnsmasq answer that other names do not exist. Otherwise it would refuse, and count as a useless server. */
const ANSWERS_ALL = ['--local=/#/'];
const YAML = `${AGENT_YAML}sysctl:\n  net.ipv4.ip_forward: 1\n`;

say(
  "Holdfast keeps a Linux host's DNS and kernel settings where its operator put them, through every DHCP lease and reboot,",
);
say(
  'without bouncing the network. Nothing of this machine is touched: all that follows happens beside it, and goes away.',
);
// Only root may write the demonstration's files, whatever umask it was started with.
process.umask(0o022);
if (existsSync(BUILT)) process.env.HOLDFAST_AGENT ??= BUILT;
const agentCommand = existsSync(BUILT) ? [BUILT] : [process.execPath, join(REPOSITORY, 'agent/cli.ts')];
const reason = unavailable();
if (reason === false) await onHosts();
else if (!(await inFolder(reason, agentCommand))) process.exitCode = 1;

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

/** `agent run` and `agent collector`; only on a terminal they stay until Ctrl-C, for the page to be looked at. */
async function fleet(host: LabHost): Promise<void> {
  show(REPORT_YAML);
  await host.write('/etc/holdfast/agent.d/report.yaml', REPORT_YAML);
  say('$ agent collector --data /var/lib/holdfast/collector &');
  say('$ agent run &');
  const shown = await startFleet(host);
  say('Another program writes the old name servers into resolv.conf:');
  await host.write('/etc/resolv.conf', OLD.map((address) => `nameserver ${address}\n`).join(''));
  say(`  ${await shown.event(/^holdfast\.heal$/)}`);
  await look(host);
  await agent(host, 'probe', 'routes', 'leases');
  say('What the collector knows of its fleet, as its page shows it in a browser:');
  show(await shown.text());

  if (!(await retireStory())) process.exitCode = 1;

  title('What now');
  say(
    'README.md: the configuration, and how to copy dist/agent to a host; docs/commands.md: every command. `npm test` proves all of this.',
  );
  if (process.stdout.isTTY && process.stdin.isTTY) {
    say(`The fleet's page: ${shown.url}/`);
    say('A heartbeat arrives every 2 seconds. Ctrl-C ends it, and everything goes away.');
    await once(process, 'SIGINT');
  } else {
    say('On a terminal it would stay, for the page to be looked at.');
  }
  shown.close();
}

/** A host whose old and new name servers all answer; `servers` are the old ones. */
async function begin(): Promise<Scene & { servers: { stop(): Promise<void> }[] }> {
  const scene = await staleHost({ renewEvery: 2 });
  try {
    const answers = { [NAME]: '10.77.0.80' };
    const servers = await Promise.all(OLD.map((address) => startNameServer(scene.host, address, answers, ANSWERS_ALL)));
    await Promise.all(NEW.map((address) => startNameServer(scene.host, address, answers, ANSWERS_ALL)));
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
