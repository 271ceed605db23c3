/** How dhcpcd(8) is rehearsed: 9 and later, with its own hooks, its own lease files and its own dhcpcd.conf. */
import { HostError } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import type { StagedFile, StagePlan } from '../stage-plan.ts';
import { ownScript } from './conf.ts';
import { type RecordedSix, recordedFour, recordedSix } from './recorded-leases.ts';
import { rememberedConf } from './remembered-conf.ts';
import { DHCPCD_CONF, DHCPCD_LEASES, familyOption, runHooks } from './running.ts';
import { dhcpcdEvents } from './stage-events.ts';

const RUN = '/run/dhcpcd';

const NO_SIX: RecordedSix = { offer6: null, advertisements: [], advertisedServers: [], unplayed: [] };

export function dhcpcdStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const conf = host.readText(DHCPCD_CONF) ?? '';
  const script = ownScript(conf)?.path ?? runHooks(host);
  if (script === null) throw new HostError('ENOENT', `${holderName(holder)}: no dhcpcd-run-hooks was found`);
  const process = host.processes('dhcpcd', 'network').find(({ pid }) => pid === holder.pid);
  const isStale = process !== undefined && changedAfterStart(host, DHCPCD_CONF, process) !== null;
  const family = process === undefined ? [] : familyOption(process);
  const remembered = isStale ? rememberedConf(host, { family, iface, started: holder.started }) : null;
  const offer = family.includes('-6') ? null : recordedFour(host, iface);
  const six = family.includes('-4') ? NO_SIX : recordedSix(host, iface, family);
  const { offer6, advertisements, advertisedServers } = six;
  if (offer === null && offer6 === null && advertisements.length === 0)
    throw new HostError('ENOLEASE', `dhcpcd has recorded no lease of ${iface}`);
  return {
    offer,
    ...(offer6 === null ? {} : { offer6 }),
    advertisements,
    advertisedServers,
    // One interface is played, whichever the running dhcpcd serves. udev is not on the stage.
    command: ['dhcpcd', '-d', '-B', '--nodev', ...family, iface],
    script,
    ...dhcpcdEvents({ has4: offer !== null, offer6, hasRouters: advertisements.length > 0, conf }),
    runFolder: RUN,
    // A dhcpcd that finds the process id of a running dhcpcd in these files ends: it takes itself for a second dhcpcd.
    missing: pidFiles(host),
    filesRead: [...(remembered === null ? [] : [remembered]), ...(offer6 === null ? [] : leases6(iface))],
    notes: [
      ...six.unplayed,
      'dhcpcd does not show its command line, so this rehearsal assumes one without options for settings',
      ...(isStale ? [`${DHCPCD_CONF} changed after ${holderName(holder)} started: ${doubt(remembered)}`] : []),
    ],
  };
}

function doubt(remembered: StagedFile | null): string {
  return remembered === null
    ? 'dhcpcd does not say what it remembers, so the rehearsal uses the present file'
    : 'the rehearsal uses the values that dhcpcd says it remembers, and the present file for other options (`nohook`, `nogateway`, `option` …)';
}

/**
 * A dhcpcd that starts with its DHCPv6 lease asks whether the lease's addresses are right, and keeps the lease's times (RFC
 * 8415, 18.2.3). Without the file it gets a lease with the server's times, so that the event comes soon.
 */
function leases6(iface: string): StagedFile[] {
  return DHCPCD_LEASES.map((folder) => ({ path: `${folder}/${iface}.lease6`, text: null, changed: 0 }));
}

function pidFiles(host: Host): string[] {
  const names = host.list(RUN).filter((name) => name === 'pid' || name.endsWith('.pid'));
  return [...names.map((name) => `${RUN}/${name}`), '/run/dhcpcd.pid'];
}
