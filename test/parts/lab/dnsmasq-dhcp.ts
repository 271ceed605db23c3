/** dnsmasq as another DHCP server of `server`: it hears only what is sent to it or to everybody, unlike ISC's dhcpd. */
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** A server at another address that takes an unknown lease for one that it forgot; the first server must be gone. */
export async function startAnotherServer(host: LabHost, offers: readonly string[] = []): Promise<Log> {
  await host.sh('ip addr del 10.77.0.1/24 dev srv0; ip addr add 10.77.0.3/24 dev srv0', { where: 'server' });
  return startDnsmasq(host, [
    '--dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,600',
    '--dhcp-option=3,10.77.0.1',
    ...offers,
  ]);
}

/** A server that has one address, which another client holds: it refuses the present one, and has none to offer. */
export async function refuseAll(host: LabHost): Promise<void> {
  await host.sh('echo "$(($(date +%s) + 9999)) 02:00:00:00:00:99 10.77.0.200 * *" >/run/lab/dnsmasq.leases');
  await startDnsmasq(host, ['--dhcp-range=10.77.0.200,10.77.0.200,255.255.255.0,600']);
}

async function startDnsmasq(host: LabHost, more: readonly string[]): Promise<Log> {
  const child = host.spawn(
    [
      ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--no-ping', '--user=root'],
      ...['--dhcp-authoritative', '--interface=srv0', '--dhcp-leasefile=/run/lab/dnsmasq.leases', '--log-facility=-'],
      ...['--pid-file=/run/lab/dnsmasq.pid', ...more],
    ],
    { where: 'server' },
  );
  const log = new Log(child.stderr!);
  await log.until(/DHCP, IP range/);
  return log;
}
