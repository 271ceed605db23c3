/**
 * How systemd-networkd(8) is rehearsed: the machine's start, with systemd-resolved beside it if the host has that. Both
 * run by themselves, with empty state folders and no D-Bus.
 */
import { HostError } from '../../host/errors.ts';
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

const START: StagedEvent = {
  answering: 'all',
  times: { lease: 600, renew: 300, rebind: 500 },
  atStart: true,
  signal: null,
  ends: ['LEASED'],
  within: 30,
};

const ONLY_BOOT =
  'the running systemd-networkd knows what resolvectl told it, and its stage would not, so only `agent rehearse boot` plays it';

/** The keys of [Match] by which the stage's link is like the host's. */
const ALIKE = new Set(['Name', 'MACAddress', 'Type']);

export function networkdStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const link = networkdLinks(host).find(({ name }) => name === iface);
  const index = [...linkNames(host)].find(([, name]) => name === iface)?.[0];
  const offer = index === undefined ? null : offerOfLeaseFile(host.readText(`${NETWORKD_LEASES}/${index}`) ?? '');
  if (link === undefined || offer === null)
    throw new HostError('ENOLEASE', `${holderName(holder)} has recorded no IPv4 lease of ${iface}`);
  const unlike = networkLines(host, link.networkFile).find(
    ({ section, key }) => section === 'Match' && !ALIKE.has(key),
  );
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
    command: ['sh', '-uc', START_SCRIPT, 'start', iface, networkd, byResolved ? resolved : '', beforeStart(host)],
    script: null,
    leased: START.ends,
    runFolder: '/run/systemd',
    keptInRun: '/run/systemd/network',
    missing: [],
    filesRead: [],
    events: { REBOOT: START, BOUND: START },
    onlyBoot: ONLY_BOOT,
    resolvConf: byResolved ? UPLINKS : RESOLV_CONF,
    notes: [
      'what generators, netplan and cloud-init put into /run/systemd/network at a boot is taken as it is now',
      ...(byResolved ? [`the name servers are those of ${UPLINKS}, which systemd-resolved asks`] : []),
    ],
  };
}

function program(host: Host, name: string): string | null {
  const paths = ['/usr/lib', '/lib'].map((folder) => `${folder}/systemd/${name}`);
  return paths.find((path) => host.stat(path)?.isFile()) ?? null;
}

/** What Holdfast's drop-ins have the service do right before systemd-networkd starts; '' if none is in place. */
function beforeStart(host: Host): string {
  return SERVICE_DROP_INS.map((file) => {
    const line = /^ExecStartPre=\+-\/bin\/sh -c '(.*)'$/m.exec(host.readText(file) ?? '')?.[1] ?? '';
    // Each `$$` of the unit is a `$` of the shell.
    return `${line.split('$$').join('$')}\n`;
  })
    .join('')
    .trim();
}

/** The arguments: the interface, both programs, and a script for before the start. Ends with systemd-networkd. */
const START_SCRIPT = `
iface=$1 networkd=$2 resolved=$3
if [ -n "$4" ]; then sh -c "$4"; fi
netif=/run/systemd/netif
mkdir -p "$netif/links" "$netif/leases" "$netif/lldp" /run/systemd/resolve
chown -R systemd-network: "$netif"
if [ -n "$resolved" ]; then
    chown systemd-resolve: /run/systemd/resolve
    "$resolved" &
fi
"$networkd" &
index=$(cat "/sys/class/net/$iface/ifindex")
until [ -e "$netif/leases/$index" ] && grep -q '^OPER_STATE=routable' "$netif/links/$index"; do sleep 0.1; done
if [ -n "$resolved" ]; then
    until grep -qs '^nameserver' ${UPLINKS} || ! grep -q '^DNS=.' "$netif/links/$index"; do sleep 0.1; done
fi
echo "LEASED $iface 0" >/dev/events
wait
`;
