/** The same change where another program than dhclient takes the lease: by hand, as its manual says, and by Holdfast. */
import { Dhcpcd, dhcpcdHost, OLD_DHCPCD_CONF } from '../parts/lab/dhcpcd.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { Machine } from '../systems/machine.ts';
import { agentYaml, resolvConf } from './change.ts';
import { FIRST_LEASE, farSide, leasesBy, type Subject } from './subject.ts';
import { HOLDFAST, type Way } from './ways.ts';

export interface Client {
  readonly name: string;
  readonly ways: readonly Way[];
  subject(way: Way): Promise<Subject>;
}

const NEW_DHCPCD_CONF = OLD_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')).replace(
  'domain_search=old.example.com',
  'domain_search=dev.example.com example.com',
);
const DHCPCD_FILES = 'cat /root/site/dhcpcd.conf >/etc/dhcpcd.conf; cat /root/site/resolv.conf >/etc/resolv.conf';
const dhcpcdFiles = () => ({ '/root/site/resolv.conf': resolvConf(), '/root/site/dhcpcd.conf': NEW_DHCPCD_CONF });

const dhcpcd: Client = {
  name: 'dhcpcd',
  ways: [
    { tool: 'by hand', variant: 'dhcpcd.conf and resolv.conf', files: dhcpcdFiles, script: DHCPCD_FILES },
    {
      tool: 'by hand',
      variant: 'both files, then `dhcpcd -n`',
      files: dhcpcdFiles,
      script: `${DHCPCD_FILES}; dhcpcd -n eth0`,
      restarts: true,
    },
    HOLDFAST,
  ],
  async subject() {
    const { host, server, client: first } = await dhcpcdHost(FIRST_LEASE.waiting);
    let client = first;
    const restart = async () => {
      await client.kill();
      await host.sh('ip addr flush dev eth0');
      client = Dhcpcd.start(host);
      await client.leased();
    };
    const end = () => host.close();
    return {
      system: host,
      ...(await farSide(host)),
      ...leasesBy(host, host, server, 'waiting'),
      restart,
      [Symbol.asyncDispose]: end,
    };
  },
};

const NETWORK = '/etc/systemd/network/10-lan.network';
const OLD_NETWORK = '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n';
const NEW_NETWORK = `${OLD_NETWORK}DNS=${NEW.join(' ')}
Domains=dev.example.com example.com

[DHCPv4]
UseDNS=no
UseDomains=no
`;
const OFFERS = `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`;
/** systemd-resolved has no options. */
const withoutOptions = resolvConf().replace(/^options.*\n/m, '');

const networkd: Client = {
  name: 'systemd-networkd',
  ways: [
    {
      tool: 'by hand',
      variant: '`resolvectl dns eth0 …`',
      files: () => ({}),
      script: `resolvectl dns eth0 ${NEW.join(' ')}; resolvectl domain eth0 dev.example.com example.com`,
    },
    {
      tool: 'by hand',
      variant: 'DNS= and UseDNS=no in its .network file, then `networkctl reload`',
      files: () => ({ '/root/site/lan.network': NEW_NETWORK }),
      script: `cat /root/site/lan.network >${NETWORK}; networkctl reload; sleep 3`,
      restarts: true,
    },
    {
      ...HOLDFAST,
      files: () => ({ '/etc/holdfast/agent.yaml': agentYaml().replace(/^ {2}(options|domain):.*\n/gm, '') }),
    },
  ],
  async subject(way) {
    const quiet = way.restarts ? 'long' : 'waiting';
    const machine = await Machine.boot({
      release: 'bookworm',
      packages: ['systemd-resolved'],
      files: { '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n', [NETWORK]: OLD_NETWORK },
      setup: 'systemctl enable systemd-networkd systemd-resolved',
      dhcp: { ...FIRST_LEASE[quiet], offers: OFFERS },
    });
    await machine.installAgent();
    return {
      system: machine,
      ...(await farSide(machine.outside)),
      resolvConf: { file: '/run/systemd/resolve/resolv.conf', wanted: withoutOptions },
      ...leasesBy(machine, machine.outside, machine.server!, quiet, { offers: OFFERS }),
      restart: () => machine.reboot(),
      [Symbol.asyncDispose]: () => machine.close(),
    };
  },
};

export const CLIENTS: readonly Client[] = [dhcpcd, networkd];
