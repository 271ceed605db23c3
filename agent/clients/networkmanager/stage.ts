/**
 * How NetworkManager(8) is rehearsed: the machine's start, its own restart, and the events of its lease, with a message bus
 * of its own. systemd-resolved runs beside it if libc asks that.
 */
import { HostError } from '../../host/errors.ts';
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { linkIndex } from '../link-names.ts';
import { ownsResolvConf, RESOLVED_UPLINKS, UPLINKS_NOTE } from '../resolved.ts';
import type { StagedEvent, StagedFile, StagePlan } from '../stage-plan.ts';
import { systemdProgram } from '../systemd-program.ts';
import { allConfLines, foreignClient } from './conf.ts';
import { type ManagedDevice, managedDevices, networkManagerWords, profileLine, valueIn } from './profiles.ts';
import { offerOfRecord } from './record-options.ts';
import { type NetworkManagerSix, networkManagerSix } from './recorded-six.ts';
import { rememberedFiles } from './remembered-files.ts';
import { NETWORKMANAGER_START_SCRIPT } from './start-script.ts';

const RUN = '/run/NetworkManager';

/** Seconds. NetworkManager renews after a half of the lease and rebinds after seven eighths, whatever the server says. */
const SHORT = { lease: 16, renew: 8, rebind: 14 };
/** Seconds. NetworkManager takes the server's times of DHCPv6. */
const SHORT6 = { lease: 30, renew: 3, rebind: 6 };
const LOSING6 = { lease: 9, renew: 3, rebind: 6 };
const QUIET = { lease: 600, renew: 300, rebind: 525 };

/** Seconds: `ipv4.dhcp-timeout` and `ipv6.dhcp-timeout`, and the longest that a rehearsal waits for. */
const PATIENCE = 45;
const LONGEST = 60;

const RUNNING = { atStart: false, signal: null, times: SHORT, within: 40 } as const;
const TOLD = { ...RUNNING, answering: 'all', times: QUIET } as const;
const START = { atStart: true, signal: null, times: QUIET, answering: 'all', ends: ['LEASED'], within: 40 } as const;

const RUNNING6 = { ...RUNNING, family: 6, times: SHORT6 } as const;

function eventsOf6(patience: number | null): StagePlan['events'] {
  const gone: Pick<StagedEvent, 'ends' | 'within'> =
    patience === null ? { ends: ['LOST6'], within: 40 } : { ends: ['FAILED6'], within: LOSING6.lease + patience + 20 };
  return {
    RENEW6: { ...RUNNING6, answering: 'all', ends: [], answered: 'six 5 7' },
    REBIND6: { ...RUNNING6, answering: 'broadcast', ends: [], answered: 'six 6 7' },
    EXPIRE6: { ...RUNNING6, answering: 'none', times: LOSING6, ...gone },
  };
}

/**
 * @param patience null if NetworkManager asks for longer than a rehearsal waits.
 * @param longest of both families, seconds.
 */
function eventsOf(patience: number | null, longest: number): StagePlan['events'] {
  // The address goes at once. resolv.conf follows when NetworkManager has asked in vain for a while, and gives up.
  const gone: Pick<StagedEvent, 'ends' | 'within'> =
    patience === null ? { ends: ['LOST'], within: 40 } : { ends: ['FAILED'], within: SHORT.lease + patience + 15 };
  return {
    RENEW: { ...RUNNING, answering: 'all', ends: [], answered: 'unicast 3 5' },
    REBIND: { ...RUNNING, answering: 'broadcast', ends: [], answered: 'broadcast 3 5' },
    NAK: { ...RUNNING, answering: 'nak', ...gone },
    EXPIRE: { ...RUNNING, answering: 'none', ...gone },
    RELOAD: { ...TOLD, signal: 'SIGHUP', ends: ['RELOADED'] },
    REAPPLY: { ...TOLD, signal: 'SIGUSR1', ends: ['REAPPLIED'] },
    REBOOT: START,
    BOUND: START,
    TIMEOUT: { ...START, answering: 'none', ends: ['CONNECTED', 'FAILED'], within: longest + 15 },
  };
}

export function networkManagerStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const device = managedDevices(host).find(({ name }) => name === iface);
  const offer = device === undefined ? null : offerOfRecord(device.record);
  if (device === undefined || offer === null)
    throw new HostError('ENOLEASE', `${holderName(holder)} has recorded no IPv4 lease of ${iface}`);
  const { file, uuid } = device;
  if (file === null)
    throw new HostError('ENONE', `no file has the profile of ${iface}: NetworkManager has it in its memory only`);
  const six = networkManagerSix(host, device);
  const why = notStaged(host, device.profile, file) ?? waitsForSix(device, six);
  if (why !== null) throw new HostError('ENONE', why);
  const memory = rememberedFiles(host, holder, device);
  const patience = patienceOf(host, device, 'ipv4');
  const patience6 = patienceOf(host, device, 'ipv6');
  const waits = [patience, ...(six.offer6?.address ? [patience6] : [])].map((seconds) => seconds ?? PATIENCE);
  const byResolved = ownsResolvConf(host);
  const address6 = six.offer6?.address ?? null;
  const hasRouters = six.advertisements.length > 0;
  const index = linkIndex(host, iface) ?? '';
  return {
    offer,
    ...(six.offer6 === null ? {} : { offer6: six.offer6 }),
    advertisements: six.advertisements,
    command: [
      ...['sh', '-uc', NETWORKMANAGER_START_SCRIPT, 'start', iface, index, offer.address, uuid ?? ''],
      ...[String(patience ?? PATIENCE), dispatcher(host), byResolved ? resolved(host) : ''],
      ...[memory.conf, file, memory.isLoaded ? 'yes' : '', address6 ?? '', String(patience6 ?? PATIENCE)],
      ...[hasRouters ? 'yes' : '', six.shown.join('\n'), ...memory.profile],
    ],
    script: null,
    leased: ['LEASED'],
    runFolder: RUN,
    keptInRun: RUN,
    missing: [],
    // NetworkManager writes them before the event: they are then put back.
    filesRead: [...(byResolved ? [] : present(host, RESOLV_CONF)), ...present(host, file)],
    events: { ...eventsOf(patience, Math.max(...waits)), ...(address6 === null ? {} : eventsOf6(patience6)) },
    ...(byResolved ? { resolvConf: RESOLVED_UPLINKS } : {}),
    bareStart: true,
    bootNotes: [
      `the rehearsal uses the present files of ${RUN}; netplan and other generators may write others at the boot`,
    ],
    notes: [
      ...six.notes,
      ...(byResolved ? [UPLINKS_NOTE] : []),
      ...(patience === null
        ? [
            `${iface} has a long ipv4.dhcp-timeout: when that ends NetworkManager gives the device up, which the rehearsal does not wait for`,
          ]
        : []),
      ...otherServers(host, device, six),
      ...memory.notes,
    ],
  };
}

/** Why a stage would not be like the host; null if it is. */
function notStaged(host: Host, profile: readonly IniLine[], file: string): string | null {
  const foreign = foreignClient(host);
  if (foreign !== null) return `${foreign}, and only NetworkManager's own DHCP client can be rehearsed`;
  if (host.stat('/usr/bin/dbus-daemon') === null)
    return 'the stage needs a message bus of its own, and dbus-daemon is not installed (dbus-broker starts no dispatcher without systemd)';
  const type = valueIn(profile, 'connection', 'type');
  if (type !== 'ethernet' && type !== '802-3-ethernet')
    return `${file} is of the type ${type ?? '(none)'}, and the stage has Ethernet only`;
  const secured = profile.find(({ section }) => section === '802-1x');
  if (secured !== undefined)
    return `${secured.file}:${secured.line} wants 802.1X, and no switch of the stage would answer`;
  const match = profile.find(({ section, key }) => section === 'match' && !ALIKE.has(key));
  if (match !== undefined)
    return `${match.file}:${match.line} matches the device by ${match.key}, which a device of the stage does not have`;
  return null;
}

/** Why the device would not come up without IPv6; null if it would, or if the stage has IPv6. */
function waitsForSix({ profile }: ManagedDevice, { offer6, advertisements }: NetworkManagerSix): string | null {
  const waits = profileLine(profile, 'ipv6', 'may-fail');
  if (waits?.value !== 'false' || offer6 !== null || advertisements.length > 0) return null;
  return `${waits.file}:${waits.line} waits for IPv6, of which NetworkManager has nothing on record`;
}

/** The keys of [match] by which the stage's device is like the host's. */
const ALIKE = new Set(['interface-name', 'kernel-command-line']);

/** Seconds; null if they are longer than a rehearsal waits. */
function patienceOf(host: Host, { profile }: ManagedDevice, family: 'ipv4' | 'ipv6'): number | null {
  const own = Number(valueIn(profile, family, 'dhcp-timeout') ?? 0);
  const general = allConfLines(host).findLast(({ key }) => key === `${family}.dhcp-timeout`)?.value ?? PATIENCE;
  const seconds = own > 0 ? own : Number(general);
  return seconds > 0 && seconds <= LONGEST ? seconds : null;
}

function dispatcher(host: Host): string {
  const service = '/usr/share/dbus-1/system-services/org.freedesktop.nm_dispatcher.service';
  const program = iniLines(host, service).find(({ key }) => key === 'Exec')?.value;
  if (program === undefined) throw new HostError('ENOENT', `${service} does not name NetworkManager's dispatcher`);
  return program;
}

function resolved(host: Host): string {
  const program = systemdProgram(host, 'systemd-resolved');
  if (program === null) throw new HostError('ENOENT', `${RESOLV_CONF} is systemd-resolved's, which was not found`);
  return program;
}

function present(host: Host, path: string): StagedFile[] {
  const text = host.stat(path)?.isFile() ? host.readText(path) : null;
  return text === null ? [] : [{ path, text, changed: host.stat(path)?.mtimeMs ?? 0 }];
}

/** The name servers that NetworkManager has from elsewhere: other devices, and IPv6 that the stage does not play. */
function otherServers(
  host: Host,
  { name, record, profile }: ManagedDevice,
  { offer6, advertisements }: NetworkManagerSix,
): string[] {
  const own = new Set([
    ...networkManagerWords(valueIn(record, 'dhcp4', 'dhcp4.domain_name_servers')),
    ...networkManagerWords(valueIn(profile, 'ipv4', 'dns')),
    ...networkManagerWords(valueIn(profile, 'ipv6', 'dns')),
    ...(offer6 === null ? [] : networkManagerWords(valueIn(record, 'dhcp6', 'dhcp6.dhcp6_name_servers'))),
    ...advertisements.flatMap(({ servers }) => servers.flatMap(({ addresses }) => addresses)),
  ]);
  const merged = host.readText(`${RUN}/no-stub-resolv.conf`) ?? '';
  const others = [...merged.matchAll(/^nameserver\s+(\S+)/gm)].map(([, one]) => one!).filter((one) => !own.has(one));
  return others.length === 0
    ? []
    : [
        `NetworkManager has ${others.join(', ')} from IPv6 or from another device than ${name}, which the stage does not have`,
      ];
}
