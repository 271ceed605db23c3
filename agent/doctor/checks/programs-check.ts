/** The programs of other packages that Holdfast and its hook start. */
import { hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Each with Debian's package, and the effect if it is missing. */
const AGENT: readonly Needed[] = [
  { program: 'flock', from: 'util-linux', without: '`agent apply` cannot take its lock and stops' },
  { program: 'cp', from: 'coreutils', without: 'owner and extended attributes of replaced files are not kept' },
];
const WITH_DHCLIENT: readonly Needed[] = [
  { program: 'sh', from: 'dash', without: 'no hook can be checked, so none is put in place' },
  { program: 'mv', from: 'coreutils', without: 'the hook writes resolv.conf in place, not atomically' },
  { program: 'ip', from: 'iproute2', without: 'an address can run out after dhclient is started again' },
  {
    program: 'unshare',
    from: 'util-linux',
    without: 'dhclient itself is not asked whether it understands an edited dhclient.conf',
    severity: 'warning',
  },
];

interface Needed {
  readonly program: string;
  readonly from: string;
  readonly without: string;
  readonly severity?: 'warning';
}

const WITH_MASQUERADE: readonly Needed[] = [{ program: 'nft', from: 'nftables', without: 'nothing is masqueraded' }];
const WITH_DNSMASQ: readonly Needed[] = [
  { program: 'dnsmasq', from: 'dnsmasq', without: 'its file cannot be checked, so none is put in place' },
];

export function* programsCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  const needed = [
    ...AGENT,
    ...(hookPlaces(host) === null ? [] : WITH_DHCLIENT),
    ...(desired === null || desired.masquerade.length === 0 ? [] : WITH_MASQUERADE),
    ...(desired === null || desired.dnsmasq === null ? [] : WITH_DNSMASQ),
  ];
  for (const { program, from, without, severity } of needed) {
    if (FOLDERS.some((folder) => host.stat(`${folder}/${program}`) !== null)) continue;
    const seen = `${program} (Debian package ${from}) is missing: ${without}`;
    yield { code: 'HF-PROGRAM-MISSING', seen, ...(severity === undefined ? {} : { severity }) };
  }
}
