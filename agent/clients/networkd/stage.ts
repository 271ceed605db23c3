/**
 * How systemd-networkd(8) is rehearsed: the machine's start and the events of its lease, with systemd-resolved beside it
 * if the host has that. Both run with empty state folders, and for a running link with a message bus of their own.
 */
import { ipAddress } from '../../address/address-checks.ts';
import { HostError } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { linkNames } from '../link-names.ts';
import { ownsResolvConf } from '../resolved.ts';
import type { StagedEvent, StagePlan } from '../stage-plan.ts';
import { SERVICE_DROP_INS } from './drop-in.ts';
import { offerOfLeaseFile } from './lease-options.ts';
import { NETWORKD_LEASES, networkdLinks } from './managed-links.ts';
import { networkLines } from './network-lines.ts';

/** The file in which systemd-resolved lists the servers of all links. */
const UPLINKS = '/run/systemd/resolve/resolv.conf';

/** Seconds. systemd-networkd takes any lease time. */
const SHORT = { lease: 9, renew: 3, rebind: 5 };
const QUIET = { lease: 600, renew: 300, rebind: 500 };

const START: StagedEvent = {
  answering: 'all',
  times: QUIET,
  atStart: true,
  signal: null,
  ends: ['LEASED'],
  within: 30,
};
const RUNNING = { atStart: false, signal: null, times: SHORT, within: 40 } as const;

const EVENTS: StagePlan['events'] = {
  RENEW: { ...RUNNING, answering: 'all', ends: [], answered: 'unicast 3 5' },
  REBIND: { ...RUNNING, answering: 'broadcast', ends: [], answered: 'broadcast 3 5' },
  NAK: { ...RUNNING, answering: 'nak', ends: ['LOST'] },
  EXPIRE: { ...RUNNING, answering: 'none', ends: ['LOST'] },
  REBOOT: START,
  BOUND: START,
};

const RESTART = 'a restart of systemd-networkd goes on from its state of the links, which the stage does not have';
const CANNOT: StagePlan['cannot'] = {
  REBOOT: `${RESTART}; \`agent rehearse boot\` plays the machine's start`,
  BOUND: RESTART,
  TIMEOUT: RESTART,
  RELOAD:
    'what a reload does depends on when the running systemd-networkd read each file, which the stage does not know',
};

/** The keys of [Match] by which the stage's link is like the host's. */
const ALIKE = new Set(['Name', 'MACAddress', 'Type']);

export function networkdStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const link = networkdLinks(host).find(({ name }) => name === iface);
  const index = [...linkNames(host)].find(([, name]) => name === iface)?.[0];
  const offer = index === undefined ? null : offerOfLeaseFile(host.readText(`${NETWORKD_LEASES}/${index}`) ?? '');
  if (link === undefined || offer === null)
    throw new HostError('ENOLEASE', `${holderName(holder)} has recorded no IPv4 lease of ${iface}`);
  const lines = networkLines(host, link.networkFile);
  const unlike = lines.find(({ section, key }) => section === 'Match' && !ALIKE.has(key));
  if (unlike !== undefined)
    throw new HostError(
      'ENONE',
      `${unlike.file}:${unlike.line} matches the link by ${unlike.key}, which a link of the stage does not have`,
    );
  const resolved = program(host, 'systemd-resolved');
  const networkd = program(host, 'systemd-networkd');
  if (networkd === null) throw new HostError('ENOENT', `${holderName(holder)}: its program was not found`);
  const byResolved = resolved !== null && ownsResolvConf(host);
  return {
    offer,
    command: [
      ...['sh', '-ufc', START_SCRIPT, 'start', iface, networkd, byResolved ? resolved : '', beforeStart(host)],
      ...[link.servers.filter(isServer).join(' '), link.domains.filter(isDomain).join(' ')],
    ],
    script: null,
    leased: START.ends,
    runFolder: '/run/systemd',
    keptInRun: '/run/systemd/network',
    missing: [],
    filesRead: [],
    events: EVENTS,
    cannot: CANNOT,
    resolvConf: byResolved ? UPLINKS : RESOLV_CONF,
    bareStart: true,
    bootNotes: [
      'what generators, netplan and cloud-init put into /run/systemd/network at a boot is taken as it is now',
    ],
    notes: [
      ...(byResolved ? [`the name servers are those of ${UPLINKS}, which systemd-resolved asks`] : []),
      ...staleNotes(host, holder, lines),
    ],
  };
}

function staleNotes(host: Host, holder: LeaseHolder, lines: readonly IniLine[]): string[] {
  const process = host.processes('systemd-network', 'network').find(({ pid }) => pid === holder.pid);
  const files = [...new Set(lines.map(({ file }) => file))];
  const changed = files.filter((file) => process !== undefined && changedAfterStart(host, file, process) !== null);
  return changed.map(
    (file) => `${file} changed after ${holderName(holder)} started, and the rehearsal has the present file`,
  );
}

const isServer = (word: string) => ipAddress(word.replace(/%.*/, '')) !== null && /^[0-9A-Za-z.:%_-]+$/.test(word);
const isDomain = (word: string) => /^~?[A-Za-z0-9_.-]+$/.test(word);

function program(host: Host, name: string): string | null {
  const paths = ['/usr/lib', '/lib'].map((folder) => `${folder}/systemd/${name}`);
  return paths.find((path) => host.stat(path)?.isFile()) ?? null;
}

/** The commands of Holdfast's drop-ins for the service, right before systemd-networkd starts; '' if none is in place. */
function beforeStart(host: Host): string {
  return SERVICE_DROP_INS.map((file) => {
    const line = /^ExecStartPre=\+-\/bin\/sh -c '(.*)'$/m.exec(host.readText(file) ?? '')?.[1] ?? '';
    // Each `$$` of the unit is a `$` of the shell.
    return `${line.split('$$').join('$')}\n`;
  })
    .join('')
    .trim();
}

/**
 * The arguments: the interface, both programs, a script for before the machine's start, and the servers and domains that
 * the running link has. At a boot /run is empty. At other events the script tells systemd-networkd the servers and
 * domains that come neither from its files nor from the lease, as resolvectl told the running systemd-networkd.
 */
const START_SCRIPT = `
iface=$1 networkd=$2 resolved=$3
netif=/run/systemd/netif
running=
if [ -e /dev/muted ]; then
    running=yes
    rm -rf "$netif" /run/systemd/resolve
    mkdir -p /run/dbus
    dbus-daemon --system --nofork --nopidfile --nosyslog &
    until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
elif [ -n "$4" ]; then
    sh -c "$4"
fi
mkdir -p "$netif/links" "$netif/leases" "$netif/lldp" /run/systemd/resolve
chown -R systemd-network: "$netif"
if [ -n "$resolved" ]; then
    chown systemd-resolve: /run/systemd/resolve
    "$resolved" &
fi
"$networkd" &
index=$(cat "/sys/class/net/$iface/ifindex")
link=$netif/links/$index
lease=$netif/leases/$index
until [ -e "$lease" ] && grep -q '^OPER_STATE=routable' "$link"; do sleep 0.1; done
value() {
    sed -n "s/^$1=//p" "$link"
}
if [ -n "$running" ] && [ -n "$resolved" ]; then
    for route in $(value ROUTE_DOMAINS); do routes="\${routes-}\${routes:+ }~$route"; done
    domains=$(value DOMAINS)
    domains="$domains\${domains:+ }\${routes-}"
    until [ "$(value DNS)" = "$5" ]; do
        # shellcheck disable=SC2086
        resolvectl dns -- "$iface" \${5:-""}
        sleep 0.2
    done
    if [ "\${domains% }" != "$6" ]; then
        # shellcheck disable=SC2086
        resolvectl domain -- "$iface" \${6:-""}
    fi
fi
if [ -n "$resolved" ]; then
    until grep -qs '^nameserver' ${UPLINKS} || ! grep -q '^DNS=.' "$link"; do sleep 0.1; done
fi
say() {
    muted=
    if [ -e /dev/muted ]; then muted=muted; fi
    echo "$1 $iface 0 $muted" >/dev/events
}
say LEASED
# systemd-networkd removes the file of a lease with the lease.
while [ -e "$lease" ]; do sleep 0.1; done
say LOST
wait
`;
