/** The file for dnsmasq, and whether the running dnsmasq has read it. */
import { type DesiredDns, type DesiredDnsmasq, type DesiredState, DNSMASQ_FILE } from '../../config/desired.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import type { Finding, SettingState } from '../../hold/resource.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { Metadata } from '../../metadata/metadata.ts';
import { wantedRoutes } from '../../metadata/wanted-routes.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import { DNSMASQ_HEADER, dnsmasqText } from './dnsmasq-text.ts';
import { dnsmasqReaders } from './readers.ts';

const SETTING = 'forwarding.dnsmasq';

type DesiredFile = Pick<DesiredState, 'dnsmasq' | 'routes' | 'metadata' | 'dns'>;

/** null if no file is configured, and none of ours is there. */
export function inspectDnsmasq(host: Host, desired: DesiredFile): Promise<Finding | null> {
  const key = desired.dnsmasq?.file ?? DNSMASQ_FILE;
  return compareFile(host, { resource: 'dnsmasq', key, moment: 'boot' }, (actual) =>
    viewOf(host, desired, key, actual),
  );
}

function viewOf(
  host: Host,
  { dnsmasq, routes, metadata, dns }: DesiredFile,
  key: string,
  actual: string | null,
): FileView | null {
  const isOurs = actual?.startsWith(DNSMASQ_HEADER) ?? true;
  if (dnsmasq === null) return isOurs ? { wanted: null, state: 'drifted' } : null;
  const wishes = wishesOf({ routes });
  const all = wantedRoutes(routes, wishes.length === 0 ? null : new Metadata(host, metadata, wishes));
  const open = all.find(({ route }) => route === null);
  if (open !== undefined) return { wanted: null, state: 'unknown', reason: `the file stays as it is: ${open.problem}` };
  const wanted = dnsmasqText(
    dnsmasq.networks,
    all.flatMap(({ route }) => route ?? []),
    dnsmasq.dns ? dns : null,
  );
  const state = actual === wanted ? 'ok' : 'drifted';
  const refusal = isOurs
    ? undefined
    : `${key} was not made by Holdfast: name another file in the configuration, or remove this one`;
  return { wanted, refusal, settings: () => settings(host, { dnsmasq, dns }, state, refusal) };
}

async function settings(
  host: Host,
  { dnsmasq, dns }: { readonly dnsmasq: DesiredDnsmasq; readonly dns: DesiredDns | null },
  state: 'ok' | 'drifted',
  refusal: string | undefined,
): Promise<SettingState[]> {
  const { file } = dnsmasq;
  const common = { setting: SETTING, wanted: file, actual: state === 'ok' ? file : null } as const;
  const boot = { ...common, moment: 'boot', state, ...(refusal === undefined ? {} : { reason: refusal }) } as const;
  const readers = dnsmasqReaders(host, file);
  const stale = readers.find(({ isStale }) => isStale);
  if (stale !== undefined) {
    const reason = `dnsmasq[${stale.pid}] started before the file was written, and reads the file only at its start: restart dnsmasq when it suits you`;
    return [{ ...common, moment: 'now', state: 'drifted', actual: null, reason }, boot];
  }
  if (readers.length > 0) {
    const isTold = state === 'ok' && dnsmasq.dns && host.live;
    const silent = isTold ? (await import('./unanswered.ts')).unanswered(dnsmasq, dns) : null;
    if (silent === null) return [{ ...common, moment: 'now', state }, boot];
    return [{ ...common, moment: 'now', state: 'drifted', reason: silent }, boot];
  }
  const reason = host.live ? 'no running dnsmasq reads this file' : notOfTheseFiles('dnsmasq');
  return [{ ...common, moment: 'now', state: host.live ? 'unknown' : 'skipped', actual: null, reason }, boot];
}
