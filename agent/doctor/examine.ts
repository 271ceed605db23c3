/** All checks, and their joint result. */

import { visible } from '../config/config-error.ts';
import type { ConfiguredState } from '../config/desired.ts';
import type { ExpectedGroup } from '../config/desired-daemon.ts';
import { RESOURCE_NAMES, type ResourceName } from '../hold/resource-names.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { runningDaemons } from '../host/process/daemons.ts';
import { apparmor } from './checks/apparmor-check.ts';
import { cloudInitActions } from './checks/cloud-init-actions-check.ts';
import { dhclientConf } from './checks/dhclient-conf-check.ts';
import { DHCP_DAEMONS, dhcpClientsSeen } from './checks/dhcp-clients-check.ts';
import { dnsmasq } from './checks/dnsmasq-check.ts';
import { forwarding } from './checks/forwarding-check.ts';
import { hooks } from './checks/hooks-check.ts';
import { libc } from './checks/libc-check.ts';
import { machineId } from './checks/machine-id-check.ts';
import { metadata } from './checks/metadata-check.ts';
import { multicast } from './checks/multicast-check.ts';
import { NAME_DAEMONS, nameService } from './checks/name-service-check.ts';
import { orphans } from './checks/orphans-check.ts';
import { programs } from './checks/programs-check.ts';
import { resolvConfCopies } from './checks/resolv-conf-copies-check.ts';
import { resolvConfFile } from './checks/resolv-conf-file-check.ts';
import { RESOLV_CONF_DAEMONS, resolvConfOwner } from './checks/resolv-conf-owner-check.ts';
import { resolved } from './checks/resolved-check.ts';
import { routeFailures } from './checks/route-failures-check.ts';
import { routeLimit } from './checks/route-limit-check.ts';
import { secretsSeen } from './checks/secrets-check.ts';
import { staticRoutes } from './checks/static-routes-check.ts';
import { sysctlBoot } from './checks/sysctl-boot-check.ts';
import { sysctlScopes } from './checks/sysctl-scopes-check.ts';
import { witness } from './checks/witness-check.ts';
import { CODES, type Code, type Severity } from './codes.ts';
import type { Check, Seen, Surroundings } from './doctor-check.ts';

export interface Diagnosis {
  readonly code: Code;
  readonly severity: Severity;
  /** The observation, with file and line if known. */
  readonly seen: string;
  readonly why: string;
  readonly remedy: string;
}

/** Each check with the resources that it concerns, for `--only`. */
const CHECKS: readonly { readonly about: readonly ResourceName[]; readonly look: Check }[] = [
  { about: ['resolver'], look: resolvConfFile },
  { about: ['resolver'], look: resolvConfOwner },
  { about: ['resolver'], look: resolvConfCopies },
  { about: ['resolver', 'hooks', 'dhcpcd', 'networkmanager', 'dhclient', 'sysctl'], look: cloudInitActions },
  { about: ['resolved'], look: resolved },
  { about: ['resolver'], look: nameService },
  { about: ['resolver'], look: libc },
  { about: ['hooks', 'dhcpcd', 'networkmanager', 'dhclient'], look: dhcpClientsSeen },
  { about: ['hooks', 'dhcpcd', 'networkmanager'], look: orphans },
  { about: ['hooks'], look: hooks },
  { about: ['hooks'], look: apparmor },
  { about: ['dhclient'], look: dhclientConf },
  { about: ['sysctl'], look: sysctlBoot },
  { about: ['sysctl'], look: sysctlScopes },
  { about: ['sysctl', 'masquerade'], look: forwarding },
  { about: ['dnsmasq'], look: dnsmasq },
  { about: ['sysctl'], look: routeLimit },
  { about: ['routes'], look: metadata },
  { about: ['routes', 'hooks'], look: staticRoutes },
  { about: ['routes'], look: multicast },
  { about: RESOURCE_NAMES, look: programs },
  { about: RESOURCE_NAMES, look: secretsSeen },
  { about: RESOURCE_NAMES, look: machineId },
  { about: RESOURCE_NAMES, look: witness },
  { about: RESOURCE_NAMES, look: routeFailures },
];

const WATCHED_DAEMONS = new Set([...RESOLV_CONF_DAEMONS, ...NAME_DAEMONS, ...DHCP_DAEMONS]);

export function surroundingsOf(
  host: Host,
  desired: ConfiguredState | null,
  groups: readonly ExpectedGroup[],
  secrets: readonly string[] = [],
): Surroundings {
  return { host, desired, groups, secrets, daemons: host.live ? runningDaemons(WATCHED_DAEMONS) : new Map() };
}

/** All findings, the gravest first. A check that cannot look reports that, and hinders no other check. */
export function examine(around: Surroundings, only: readonly ResourceName[]): Diagnosis[] {
  return CHECKS.filter(({ about }) => about.some((name) => only.includes(name)))
    .flatMap(({ look }) => collect(look, around))
    .map(diagnosis)
    .sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity));
}

export function diagnosis({ code, seen, severity }: Seen): Diagnosis {
  const { severity: usual, why, remedy } = CODES[code];
  return { code, severity: severity ?? usual, seen: visible(seen), why, remedy };
}

const GRAVITY: readonly Severity[] = ['problem', 'warning', 'note'];

function collect(look: Check, around: Surroundings): Seen[] {
  const found: Seen[] = [];
  try {
    for (const one of look(around)) found.push(one);
  } catch (error) {
    found.push({ code: 'HF-UNSEEN', seen: errorMessage(error) });
  }
  return found;
}
