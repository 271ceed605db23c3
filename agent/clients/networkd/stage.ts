/**
 * How systemd-networkd(8) is rehearsed: the machine's start and the events of its lease, with systemd-resolved beside it
 * if the host has that. Both run with empty state folders, and for a running link with a message bus of their own.
 */
import { ipAddress } from '../../address/address-checks.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { systemdVersion } from '../../host/service/systemd-version.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { linkIndex } from '../link-names.ts';
import { ownsResolvConf, RESOLVED_UPLINKS, UPLINKS_NOTE } from '../resolved.ts';
import { QUIET_TIMES, type StagedEvent, type StagedFile, type StagePlan } from '../stage-plan.ts';
import { systemdProgram } from '../systemd-program.ts';
import { SERVICE_DROP_INS } from './drop-in.ts';
import { offerOfLeaseFile } from './lease-options.ts';
import { NETWORKD_LEASES, networkdLinks } from './managed-links.ts';
import { networkLines, SYSTEMD_FOLDERS } from './network-lines.ts';
import { type NetworkdSix, networkdSix } from './recorded-six.ts';
import { NETWORKD_START_SCRIPT, RELOAD_SIGNAL, RESTART_SIGNAL } from './start-script.ts';
import { unreadFiles } from './unread-files.ts';

/** Seconds. systemd-networkd takes any lease time. */
const SHORT = { lease: 9, renew: 3, rebind: 5 };
/** Seconds. systemd-networkd asks again after ten seconds (REN_TIMEOUT and REB_TIMEOUT of RFC 8415). */
const SHORT6 = { lease: 30, renew: 3, rebind: 6 };
const LOSING6 = { lease: 9, renew: 3, rebind: 6 };

const START: StagedEvent = {
  answering: 'all',
  times: QUIET_TIMES,
  atStart: true,
  signal: null,
  ends: ['LEASED'],
  within: 30,
};
const RUNNING = { atStart: false, signal: null, times: SHORT, within: 40 } as const;

const RUNNING6 = { ...RUNNING, family: 6, times: SHORT6 } as const;

const EVENTS6: StagePlan['events'] = {
  RENEW6: { ...RUNNING6, answering: 'all', ends: [], answered: 'six 5 7' },
  REBIND6: { ...RUNNING6, answering: 'broadcast', ends: [], answered: 'six 6 7' },
  EXPIRE6: { ...RUNNING6, answering: 'none', times: LOSING6, ends: ['LOST6'] },
};

const EVENTS: StagePlan['events'] = {
  RENEW: { ...RUNNING, answering: 'all', ends: [], answered: 'unicast 3 5' },
  REBIND: { ...RUNNING, answering: 'broadcast', ends: [], answered: 'broadcast 3 5' },
  NAK: { ...RUNNING, answering: 'nak', ends: ['LOST'] },
  EXPIRE: { ...RUNNING, answering: 'none', ends: ['LOST'] },
  RELOAD: { ...RUNNING, answering: 'all', times: QUIET_TIMES, signal: RELOAD_SIGNAL, ends: ['RELOADED'] },
  REBOOT: { ...RUNNING, answering: 'all', times: QUIET_TIMES, signal: RESTART_SIGNAL, ends: ['RESTARTED'] },
  // It goes on asking, and nothing says that it gave up.
  TIMEOUT: { ...RUNNING, answering: 'none', times: QUIET_TIMES, signal: RESTART_SIGNAL, ends: [], within: 15 },
};

/** The events of a link without a lease of DHCPv4. `address6`: null if it has none by DHCPv6. */
function eventsOf6(address6: string | null): StagePlan['events'] {
  return {
    ...(address6 === null ? {} : EVENTS6),
    RELOAD: { ...EVENTS.RELOAD!, family: 6 },
    REBOOT6: { ...EVENTS.REBOOT!, family: 6 },
    TIMEOUT6: { ...EVENTS.TIMEOUT!, family: 6 },
  };
}

/**
 * systemd 257 hands its addresses over from one systemd-networkd to the next (FileDescriptorStoreMax=), so at a silent
 * server the host keeps an address that the stage loses. Only 247 and 252 were seen to do as the stage.
 */
function cannotPlay(version: number | null, timeout: 'TIMEOUT' | 'TIMEOUT6'): StagePlan['cannot'] {
  if (version !== null && version <= 252) return {};
  return {
    [timeout]: `systemd ${version ?? 'of an unknown version'} may keep its state over a restart in a way that the stage does not have, so a restart with a silent server cannot be rehearsed`,
  };
}

/** The keys of [Match] by which the stage's link is like the host's. */
const ALIKE = new Set(['Name', 'MACAddress', 'Type']);

export function networkdStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const link = networkdLinks(host).find(({ name }) => name === iface);
  const index = linkIndex(host, iface);
  const offer = index === null ? null : offerOfLeaseFile(host.readText(`${NETWORKD_LEASES}/${index}`) ?? '');
  const six = link === undefined ? null : networkdSix(host, link);
  if (link === undefined || six === null || (offer === null && six.offer6 === null && six.advertisements.length === 0))
    throw new HostError('ENOLEASE', `${holderName(holder)} has no lease of ${iface}, and heard no router there`);
  const lines = networkLines(host, link.networkFile);
  const unlike = lines.find(({ section, key }) => section === 'Match' && !ALIKE.has(key));
  if (unlike !== undefined)
    throw new HostError(
      'ENONE',
      `${unlike.file}:${unlike.line} matches the link by ${unlike.key}, which a link of the stage does not have`,
    );
  const resolved = systemdProgram(host, 'systemd-resolved');
  const process = host.processes('systemd-network', 'network').find(({ pid }) => pid === holder.pid);
  const unread = process === undefined ? [] : unreadFiles(host, process, link);
  const networkd = systemdProgram(host, 'systemd-networkd');
  if (networkd === null) throw new HostError('ENOENT', `${holderName(holder)}: its program was not found`);
  const byResolved = resolved !== null && ownsResolvConf(host);
  const address6 = six.offer6?.address ?? null;
  return {
    offer,
    ...(six.offer6 === null ? {} : { offer6: six.offer6 }),
    advertisements: six.advertisements,
    command: [
      ...['sh', '-ufc', NETWORKD_START_SCRIPT, 'start', iface, networkd, byResolved ? resolved : '', beforeStart(host)],
      ...[link.servers.filter(isServer).join(' '), link.domains.filter(isDomain).join(' '), restartSignal(host)],
      ...[address6 ?? '', hasRouters(six) ? 'yes' : '', offer === null ? '' : 'yes'],
    ],
    script: null,
    leased: START.ends,
    runFolder: '/run/systemd',
    keptInRun: '/run/systemd/network',
    missing: [],
    filesRead: unread,
    events: offer === null ? eventsOf6(address6) : { ...EVENTS, ...(address6 === null ? {} : EVENTS6) },
    cannot: cannotPlay(systemdVersion(host), offer === null ? 'TIMEOUT6' : 'TIMEOUT'),
    boot: START,
    resolvConf: byResolved ? RESOLVED_UPLINKS : RESOLV_CONF,
    bareStart: true,
    bootNotes: [
      'what generators, netplan and cloud-init put into /run/systemd/network at a boot is taken as it is now',
    ],
    notes: [...six.notes, ...(byResolved ? [UPLINKS_NOTE] : []), ...staleNotes(holder, unread)],
  };
}

function staleNotes(holder: LeaseHolder, unread: readonly StagedFile[]): string[] {
  const deed = ({ text, path }: StagedFile) =>
    text === null
      ? `${path} changed after ${holderName(holder)} started: the rehearsal takes it for a file that systemd-networkd has not read`
      : `${path} changed after ${holderName(holder)} started: the rehearsal does not know the text that systemd-networkd read`;
  return unread.map(deed);
}

/** Whether the link has routes of router advertisements, which the stage waits for. */
const hasRouters = ({ advertisements }: NetworkdSix) =>
  advertisements.some(({ lifetime, prefixes }) => lifetime > 0 || prefixes.some(({ onLink }) => onLink));

const isServer = (word: string) => ipAddress(word.replace(/%.*/, '')) !== null && /^[0-9A-Za-z.:%_-]+$/.test(word);
const isDomain = (word: string) => /^~?[A-Za-z0-9_.-]+$/.test(word);

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

/** The signal by which systemd ends systemd-networkd at a restart (systemd.kill(5)): with SIGUSR2 it keeps its leases. */
function restartSignal(host: Host): string {
  const units = SYSTEMD_FOLDERS.map((folder) => `${folder}/systemd/system/systemd-networkd.service`);
  const unit = units.map((path) => host.readText(path)).find((text) => text !== null) ?? '';
  return /^RestartKillSignal=SIG(\w+)$/m.exec(unit)?.[1] ?? 'TERM';
}
