/**
 * systemd-networkd and systemd-resolved on a throw-away host, without systemd, and with a message bus of their own.
 * systemd-resolved comes from Debian's archive, because its package would take over this machine's own resolv.conf.
 */
import { debianPackage } from './debian-package.ts';
import { connect, startDhcpServer } from './dhcp.ts';
import { LabHost } from './host.ts';
import { NETWORKD_OFFERS } from './networkd-events.ts';
import { AGENT_YAML } from './scene.ts';

const NETWORK = '[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nUseDomains=yes\n';
const DUAL_NETWORK = `${NETWORK.replace('DHCP=ipv4', 'DHCP=yes')}\n[DHCPv6]\nUseDomains=yes\n\n[IPv6AcceptRA]\nUseDomains=yes\n`;

/**
 * A host whose systemd-networkd has a lease with the old servers; null if Debian's package cannot be had here. `six`: starts
 * what sends it IPv6, which it then also takes.
 */
export async function networkdLabHost<Six>(
  dhcp: Parameters<typeof startDhcpServer>[1] = { lease: 600, offers: NETWORKD_OFFERS },
  six?: (host: LabHost) => Promise<Six>,
) {
  const network = six === undefined ? NETWORK : DUAL_NETWORK;
  const scene = await networkdHostOn(network, HAS_LEASE, async (host) => {
    return { server: await startDhcpServer(host, dhcp), sent6: (await six?.(host)) as Six };
  });
  if (scene === null) return null;
  const { sent, ...rest } = scene;
  return { ...rest, ...sent };
}

/** As networkdLabHost, on a wire without DHCPv4. */
export function networkdSixHost<Six>(six: (host: LabHost) => Promise<Six>) {
  return networkdHostOn(DUAL_NETWORK, '', six);
}

/** Shell command: whether there is a lease of DHCPv4. */
const HAS_LEASE = 'ls netif/leases/* >/dev/null 2>&1';

/** `ready`: a shell command in /run/systemd that holds once systemd-networkd has what it takes; '': no such command. */
async function networkdHostOn<Sent>(network: string, ready: string, send: (host: LabHost) => Promise<Sent>) {
  const file = await debianPackage('systemd-resolved');
  if (file === null) return null;
  const host = await LabHost.create();
  try {
    await putResolved(host, file);
    await host.sh('rm -rf /etc/systemd/network/* /etc/systemd/system/systemd-networkd.service.d');
    await host.write('/etc/systemd/network/10-lan.network', network);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await connect(host);
    const sent = await send(host);
    await host.sh('mkdir -p /run/dbus');
    host.spawn(['dbus-daemon', '--system', '--nofork', '--nopidfile', '--nosyslog']).stderr!.resume();
    await host.sh('until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done');
    await startNetworkd(host, ready);
    return {
      host,
      far: host,
      sent,
      restart: () => restartNetworkd(host),
      reboot: () => rebootNetworkd(host, ready),
      [Symbol.asyncDispose]: () => host.close(),
    };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Installs systemd-resolved from its package, which answers libc from then on. A message bus reads its file at the start. */
export async function putResolved(host: LabHost, file: Buffer): Promise<void> {
  await host.write('/run/lab/resolved.deb', file);
  await host.sh(`dpkg-deb --fsys-tarfile /run/lab/resolved.deb | tar -x -C / --keep-directory-symlink
    echo "systemd-resolve:x:994:994::/:/usr/sbin/nologin" >>/etc/passwd; echo "systemd-resolve:x:994:" >>/etc/group
    ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`);
}

/** Starts systemd-resolved, for a program that tells it the servers over the bus. */
export async function startResolved(host: LabHost): Promise<void> {
  await host.sh('mkdir -p /run/systemd/resolve; chown systemd-resolve: /run/systemd/resolve');
  host.spawn(['/lib/systemd/systemd-resolved']).stderr!.resume();
  const asks = 'busctl call org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s org.freedesktop.resolve1';
  await host.sh(`until ${asks} | grep -q true; do sleep 0.1; done`);
}

export type NetworkdScene = NonNullable<Awaited<ReturnType<typeof networkdLabHost>>>;

/** The commands of the drop-ins for its service. */
const BEFORE_START = `
    for file in /etc/systemd/system/systemd-networkd.service.d/*.conf; do
      [ ! -e "$file" ] || sh -c "$(sed -n "s/^ExecStartPre=+-.bin.sh -c '\\(.*\\)'$/\\1/p" "$file" | sed 's/[$][$]/$/g')"
    done
`;

/** Starts both as their services do, and waits until they have what they take. */
async function startNetworkd(host: LabHost, ready: string): Promise<void> {
  await host.sh(`${BEFORE_START}
    mkdir -p /run/systemd; cd /run/systemd; mkdir -p netif/links netif/leases netif/lldp resolve
    chown -R systemd-network: netif; chown systemd-resolve: resolve`);
  for (const program of ['systemd-resolved', 'systemd-networkd'])
    host.spawn([`/lib/systemd/${program}`]).stderr!.resume();
  await host.sh(`cd /run/systemd
    until grep -qs '^OPER_STATE=routable' netif/state && ${ready || 'true'}; do sleep 0.05; done
    until grep -qs '^nameserver' resolve/resolv.conf; do sleep 0.05; done; sleep 0.3`);
}

/** A restart of systemd-networkd as systemd does it: `RestartKillSignal=SIGUSR2`. */
async function restartNetworkd(host: LabHost): Promise<void> {
  await host.sh(`pkill -USR2 -x systemd-network; while pgrep -x systemd-network >/dev/null; do sleep 0.05; done
    ${BEFORE_START}`);
  host.spawn(['/lib/systemd/systemd-networkd']).stderr!.resume();
}

/** The machine's start, as far as it is these programs' matter. */
export async function rebootNetworkd(host: LabHost, ready = HAS_LEASE): Promise<void> {
  await host.sh(`pkill -KILL -x systemd-network; pkill -KILL -x systemd-resolve
    while pgrep -x 'systemd-network|systemd-resolve' >/dev/null; do sleep 0.05; done
    ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/systemd /run/holdfast`);
  await startNetworkd(host, ready);
}
