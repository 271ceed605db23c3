/** All checks, and their joint result. */
import { CLIENTS } from '../clients/clients.ts';
import { visible } from '../config/config-error.ts';
import type { ConfiguredState } from '../config/desired.ts';
import type { ExpectedGroup } from '../config/desired-daemon.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { runningDaemons } from '../host/process/daemons.ts';
import { RESOURCE_NAMES, type ResourceName } from '../resources/resource-names.ts';
import { apparmorCheck } from './checks/apparmor-check.ts';
import { cloudInitActionsCheck } from './checks/cloud-init-actions-check.ts';
import { dhclientConfCheck } from './checks/dhclient-conf-check.ts';
import { DHCP_DAEMONS, dhcpClientsCheck } from './checks/dhcp-clients-check.ts';
import { dnsmasqCheck } from './checks/dnsmasq-check.ts';
import { forwardingCheck } from './checks/forwarding-check.ts';
import { hooksCheck } from './checks/hooks-check.ts';
import { leaseFamiliesCheck } from './checks/lease-families-check.ts';
import { libcCheck } from './checks/libc-check.ts';
import { machineIdCheck } from './checks/machine-id-check.ts';
import { metadataCheck } from './checks/metadata-check.ts';
import { multicastCheck } from './checks/multicast-check.ts';
import { NAME_DAEMONS, nameServiceCheck } from './checks/name-service-check.ts';
import { networkdReloadCheck } from './checks/networkd-reload-check.ts';
import { orphansCheck } from './checks/orphans-check.ts';
import { policyRulesCheck } from './checks/policy-rules-check.ts';
import { programsCheck } from './checks/programs-check.ts';
import { resolvConfCopiesCheck } from './checks/resolv-conf-copies-check.ts';
import { resolvConfFileCheck } from './checks/resolv-conf-file-check.ts';
import { RESOLV_CONF_DAEMONS, resolvConfOwnerCheck } from './checks/resolv-conf-owner-check.ts';
import { resolvedCheck } from './checks/resolved-check.ts';
import { routeFailuresCheck } from './checks/route-failures-check.ts';
import { routeLimitCheck } from './checks/route-limit-check.ts';
import { secretsCheck } from './checks/secrets-check.ts';
import { staticRoutesCheck } from './checks/static-routes-check.ts';
import { sysctlBootCheck } from './checks/sysctl-boot-check.ts';
import { sysctlScopesCheck } from './checks/sysctl-scopes-check.ts';
import { witnessCheck } from './checks/witness-check.ts';
import { DOCTOR_CODES, type DoctorCode, type DoctorSeverity } from './codes.ts';
import type { DoctorCheck, DoctorObservation, DoctorSurroundings } from './doctor-check.ts';

export interface Diagnosis {
  readonly code: DoctorCode;
  readonly severity: DoctorSeverity;
  /** The observation, with file and line if known. */
  readonly seen: string;
  readonly why: string;
  readonly remedy: string;
}

const OF_CLIENTS = CLIENTS.flatMap(({ resources }) => resources.map(({ name }) => name));

/** Each check with the resources that it concerns, for `--only`. */
const CHECKS: readonly { readonly about: readonly ResourceName[]; readonly look: DoctorCheck }[] = [
  { about: ['resolver'], look: resolvConfFileCheck },
  { about: ['resolver'], look: resolvConfOwnerCheck },
  { about: ['resolver'], look: resolvConfCopiesCheck },
  { about: ['resolver', ...OF_CLIENTS, 'sysctl'], look: cloudInitActionsCheck },
  { about: ['resolved'], look: resolvedCheck },
  { about: ['resolved'], look: networkdReloadCheck },
  { about: ['resolver'], look: nameServiceCheck },
  { about: ['resolver'], look: libcCheck },
  { about: OF_CLIENTS, look: dhcpClientsCheck },
  { about: ['resolver', 'hooks'], look: leaseFamiliesCheck },
  { about: OF_CLIENTS, look: orphansCheck },
  { about: ['hooks'], look: hooksCheck },
  { about: ['hooks'], look: apparmorCheck },
  { about: ['dhclient'], look: dhclientConfCheck },
  { about: ['sysctl'], look: sysctlBootCheck },
  { about: ['sysctl'], look: sysctlScopesCheck },
  { about: ['sysctl', 'masquerade'], look: forwardingCheck },
  { about: ['dnsmasq'], look: dnsmasqCheck },
  { about: ['sysctl'], look: routeLimitCheck },
  { about: ['routes'], look: metadataCheck },
  { about: ['routes', 'hooks'], look: staticRoutesCheck },
  { about: ['routes', 'rules'], look: policyRulesCheck },
  { about: ['routes'], look: multicastCheck },
  { about: RESOURCE_NAMES, look: programsCheck },
  { about: RESOURCE_NAMES, look: secretsCheck },
  { about: RESOURCE_NAMES, look: machineIdCheck },
  { about: RESOURCE_NAMES, look: witnessCheck },
  { about: RESOURCE_NAMES, look: routeFailuresCheck },
];

const WATCHED_DAEMONS = new Set([...RESOLV_CONF_DAEMONS, ...NAME_DAEMONS, ...DHCP_DAEMONS]);

export function surroundingsOf(
  host: Host,
  desired: ConfiguredState | null,
  groups: readonly ExpectedGroup[],
  { secrets = [], unled = [] }: Partial<Pick<DoctorSurroundings, 'secrets' | 'unled'>> = {},
): DoctorSurroundings {
  return { host, desired, groups, secrets, unled, daemons: host.live ? runningDaemons(WATCHED_DAEMONS) : new Map() };
}

/** All findings, the gravest first. A check that cannot look reports that, and hinders no other check. */
export function examine(around: DoctorSurroundings, only: readonly ResourceName[]): Diagnosis[] {
  return CHECKS.filter(({ about }) => about.some((name) => only.includes(name)))
    .flatMap(({ look }) => collect(look, around))
    .map(diagnosis)
    .sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity));
}

export function diagnosis({ code, seen, severity }: DoctorObservation): Diagnosis {
  const { severity: usual, why, remedy } = DOCTOR_CODES[code];
  return { code, severity: severity ?? usual, seen: visible(seen), why, remedy };
}

const GRAVITY: readonly DoctorSeverity[] = ['problem', 'warning', 'note'];

function collect(look: DoctorCheck, around: DoctorSurroundings): DoctorObservation[] {
  const found: DoctorObservation[] = [];
  try {
    for (const one of look(around)) found.push(one);
  } catch (error) {
    found.push({ code: 'HF-UNSEEN', seen: errorMessage(error) });
  }
  return found;
}
