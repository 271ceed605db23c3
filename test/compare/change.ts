/** The change that all make: other DNS servers, on a host whose dhclient started long ago with the old ones. */
import { NEW, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';

/** What every name server of these hosts answers. */
export const NAME = 'puppet.example.com';
export const ADDRESS = '10.72.1.1';

const DOMAIN = 'example.com';
const SEARCH = ['dev.example.com', 'example.com'];
const OPTIONS = ['timeout:1', 'attempts:2'];

/** resolv.conf as it has to be from now on. */
export function resolvConf(servers: readonly string[] = NEW): string {
  const lines = servers.map((address) => `nameserver ${address}\n`);
  return `search ${SEARCH.join(' ')}\n${lines.join('')}options ${OPTIONS.join(' ')}\n`;
}

/** dhclient.conf as it has to be from the next start of dhclient on. */
export function dhclientConf(servers: readonly string[] = NEW): string {
  return OLD_DHCLIENT_CONF.replace('domain-name "old.example.com"', `domain-name "${DOMAIN}"`)
    .replace('domain-search "old.example.com"', `domain-search ${SEARCH.map((name) => `"${name}"`).join(', ')}`)
    .replace(OLD.join(', '), servers.join(', '));
}

/** The same for Holdfast. `verify`: the new servers have to prove themselves. */
export function agentYaml(servers: readonly string[] = NEW, { verify = false } = {}): string {
  return `dns:
  domain: ${DOMAIN}
  search: [${SEARCH.join(', ')}]
  nameservers: [${servers.join(', ')}]
  options: [${OPTIONS.join(', ')}]
${verify ? `  verify: { name: ${NAME}, expect: [10.72.0.0/16], timeout: 1s }\n` : ''}`;
}

/** What became of resolv.conf, in the words of the table. */
export function judge(resolv: string, wanted = resolvConf()): string {
  const only = (text: string, keyword: string) => text.split('\n').filter((line) => line.startsWith(keyword));
  const servers = only(resolv, 'nameserver').join();
  if (servers === '') return 'no servers';
  if (servers === OLD.map((address) => `nameserver ${address}`).join()) return '**old servers**';
  if (servers !== only(wanted, 'nameserver').join()) return '**other servers**';
  return only(resolv, 'options').join() === only(wanted, 'options').join() ? 'right' : 'right, options lost';
}
