/** What a booted system holds, looked at from outside: the files, the kernel, and a renewal that really comes. */
import { NEW, nameservers } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';
import type { Machine } from './machine.ts';

/** The operator's configuration. Nobody listens at the endpoint: heartbeats wait in the spool. */
export const CONFIGURATION = `dns:
  domain: example.com
  search: [dev.example.com, example.com]
  nameservers: [${NEW.join(', ')}]
sysctl:
  net.ipv4.ip_forward: 1
report:
  endpoint: http://10.77.0.1:4318
  interval: 1s
`;

const RESOLV_CONF = '/etc/resolv.conf';
const SYSCTLS = '/etc/sysctl.d/60-holdfast.conf';

/** Whether a setting is as configured at each moment; null if nothing forgets it at that moment. */
export interface Moments {
  readonly now: boolean;
  readonly lease: boolean | null;
  readonly boot: boolean;
}

export interface Held {
  readonly 'dns.nameservers': Moments;
  readonly 'dns.search': Moments;
  readonly 'sysctl.net.ipv4.ip_forward': Moments;
}

export const ALL: Moments = { now: true, lease: true, boot: true };
export const NONE: Moments = { now: false, lease: false, boot: false };

/** Everything, or nothing, holds. */
export function everywhere(moments: Moments): Held {
  return {
    'dns.nameservers': moments,
    'dns.search': moments,
    'sysctl.net.ipv4.ip_forward': { ...moments, lease: null },
  };
}

/**
 * Looks now, watches resolv.conf while renewals come, and reads what the next dhclient and the next boot will read. At the
 * moment of the lease a setting holds only if it was never seen otherwise, not for an instant.
 */
export async function held(machine: Machine): Promise<Held> {
  const now = await resolvConf(machine);
  const watch = await watchFile(machine, RESOLV_CONF);
  await machine.leased(1);
  const { wrongMs, emptyMs, absentMs } = await watch.stop();
  const steady = wrongMs + emptyMs + absentMs === 0;
  const conf = await machine.read('/etc/dhcp/dhclient.conf');
  return {
    'dns.nameservers': {
      now: now.nameservers,
      lease: now.nameservers && steady,
      boot: conf.includes(`supersede domain-name-servers ${NEW.join(', ')};`),
    },
    'dns.search': {
      now: now.search,
      lease: now.search && steady,
      boot: conf.includes('supersede domain-search "dev.example.com", "example.com";'),
    },
    'sysctl.net.ipv4.ip_forward': {
      now: (await forwarding(machine)) === '1',
      lease: null,
      boot: machine.exists(SYSCTLS) && /^-?net[./]ipv4[./]ip_forward\s*=\s*1$/m.test(await machine.read(SYSCTLS)),
    },
  };
}

export async function resolvConf(machine: Machine): Promise<{ nameservers: boolean; search: boolean }> {
  const text = await machine.read(RESOLV_CONF);
  return {
    nameservers: String(nameservers(text)) === String(NEW),
    search: /^search dev\.example\.com example\.com$/m.test(text),
  };
}

/** Within the machine: /proc/sys/net is that of who reads it. */
export async function forwarding(machine: Machine): Promise<string> {
  return (await machine.sh('cat /proc/sys/net/ipv4/ip_forward')).trim();
}
