/** The file for dnsmasq, and whether the running dnsmasq has read it. */
import { type DesiredState, DNSMASQ_FILE } from '../../config/desired.ts';
import type { Finding, SettingState } from '../../hold/resource.ts';
import { unreadable } from '../../hold/unreadable.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { Metadata } from '../../metadata/metadata.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import { wantedRoutes } from '../routes/wanted.ts';
import { dnsmasqText, HEADER } from './options.ts';
import { dnsmasqReaders } from './readers.ts';

const SETTING = 'forwarding.dnsmasq';

export function inspectDnsmasq(
  host: Host,
  { dnsmasq, routes, metadata }: Pick<DesiredState, 'dnsmasq' | 'routes' | 'metadata'>,
): Finding[] {
  const key = dnsmasq?.file ?? DNSMASQ_FILE;
  const place = { resource: 'dnsmasq', key, moment: 'boot', kind: 'file' } as const;
  let actual: string | null;
  try {
    actual = host.readText(key);
  } catch (error) {
    return [unreadable(place, error, async () => [])];
  }
  const isOurs = actual?.startsWith(HEADER) ?? true;
  if (dnsmasq === null) {
    return isOurs ? [{ ...place, state: 'drifted', wanted: null, actual, settings: async () => [] }] : [];
  }
  const wishes = wishesOf({ routes });
  const all = wantedRoutes(routes, wishes.length === 0 ? null : new Metadata(host, metadata, wishes));
  const open = all.find(({ route }) => route === null);
  if (open !== undefined) {
    const reason = `the file stays as it is: ${open.problem}`;
    return [{ ...place, state: 'unknown', wanted: null, actual, reason, settings: async () => [] }];
  }
  const wanted = dnsmasqText(
    dnsmasq.networks,
    all.flatMap(({ route }) => route ?? []),
  );
  const state = actual === wanted ? 'ok' : 'drifted';
  const refusal = isOurs
    ? undefined
    : `${key} was not made by Holdfast: name another file in the configuration, or remove this one`;
  return [
    {
      ...place,
      state,
      wanted,
      actual,
      ...(refusal === undefined ? {} : { refusal }),
      settings: async () => settings(host, key, state, refusal),
    },
  ];
}

function settings(host: Host, file: string, state: 'ok' | 'drifted', refusal: string | undefined): SettingState[] {
  const common = { setting: SETTING, wanted: file, actual: state === 'ok' ? file : null } as const;
  const boot = { ...common, moment: 'boot', state, ...(refusal === undefined ? {} : { reason: refusal }) } as const;
  const readers = dnsmasqReaders(host, file);
  const stale = readers.find(({ isStale }) => isStale);
  if (stale !== undefined) {
    const reason = `dnsmasq[${stale.pid}] started before the file was written, and reads the file only at its start: restart dnsmasq when it suits you`;
    return [{ ...common, moment: 'now', state: 'drifted', actual: null, reason }, boot];
  }
  if (readers.length > 0) return [{ ...common, moment: 'now', state }, boot];
  const reason = host.live ? 'no running dnsmasq reads this file' : notOfTheseFiles('dnsmasq');
  return [{ ...common, moment: 'now', state: host.live ? 'unknown' : 'skipped', actual: null, reason }, boot];
}
