/**
 * What most of the lab's tests begin with: a host whose dhclient was started long ago with settings that are now to be
 * replaced. The old and the new name servers both exist, so that it is seen which of them a host really asks.
 */
import assert from 'node:assert/strict';
import { connect, Dhclient, type DhcpOptions, type DhcpServer, startDhcpServer } from './dhcp.ts';
import { LabHost } from './host.ts';

export const OLD = ['10.77.0.11', '10.77.0.12'] as const;
export const NEW = ['10.77.0.21', '10.77.0.22'] as const;

/** Debian's dhclient.conf, without its comments, and what an operator put below it, long ago. */
export const OLD_DHCLIENT_CONF = `option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;

send host-name = gethostname();
request subnet-mask, broadcast-address, time-offset, routers,
	domain-name, domain-name-servers, domain-search, host-name,
	dhcp6.name-servers, dhcp6.domain-search, dhcp6.fqdn, dhcp6.sntp-servers,
	netbios-name-servers, netbios-scope, interface-mtu,
	rfc3442-classless-static-routes, ntp-servers;

# our resolvers
supersede domain-name "old.example.com";
supersede domain-search "old.example.com";
supersede domain-name-servers ${OLD.join(', ')};
`;

/** What the operator wants now. */
export const AGENT_YAML = `dns:
  domain: example.com
  search: [dev.example.com, example.com]
  nameservers: [${NEW.join(', ')}]
  sortlist: [10.72.52.100/32, 10.72.0.0/255.255.0.0]
  options: [timeout:1, rotate]
`;

/** The lines that resolv.conf has to have with it. */
const WANTED_LINES = [
  'search dev.example.com example.com',
  ...NEW.map((address) => `nameserver ${address}`),
  'sortlist 10.72.52.100/255.255.255.255 10.72.0.0/255.255.0.0',
  'options timeout:1 rotate',
];

/** resolv.conf with these lines only, as a hand writes it. */
export const WANTED_RESOLV_CONF = WANTED_LINES.map((line) => `${line}\n`).join('');

export interface Scene extends AsyncDisposable {
  readonly host: LabHost;
  readonly server: DhcpServer;
  readonly client: Dhclient;
}

/** A host with a dhclient that read OLD_DHCLIENT_CONF and has its first lease. */
export async function staleHost(dhcp: DhcpOptions = { renewEvery: 1 }): Promise<Scene> {
  const host = await LabHost.create();
  try {
    await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await connect(host);
    const server = await startDhcpServer(host, dhcp);
    const client = Dhclient.start(host);
    await client.leased();
    return { host, server, client, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Name servers that a resolv.conf has, in order. */
export function nameservers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}

/** `agent apply`, which has to succeed, and has to leave the wanted resolv.conf. */
export async function apply(host: LabHost): Promise<void> {
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, `${stdout}${stderr}`);
  await holds(host);
}

/** How the new servers came to the host: by Holdfast, or by hand as before the outage. `text`: the edited configuration of the client. */
export function waysToNew(
  file: string,
  text: string,
  mode?: number,
): Readonly<Record<string, (host: LabHost) => Promise<void>>> {
  return {
    'held by Holdfast': apply,
    'edited by hand': async (host) => {
      await host.write(file, text, mode);
      await host.write('/etc/resolv.conf', WANTED_RESOLV_CONF);
    },
  };
}

/** That resolv.conf has every wanted line, and nothing that a lease could have brought. */
export async function holds(host: LabHost): Promise<void> {
  const lines = (await host.read('/etc/resolv.conf')).split('\n').filter((line) => /^\w/.test(line));
  assert.deepEqual(lines.filter((line) => !line.startsWith('domain ')).sort(), [...WANTED_LINES].sort());
}
