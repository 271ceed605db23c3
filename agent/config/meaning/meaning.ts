/** A checked configuration → the desired state. */
import { familyOf } from '../../address/address.ts';
import {
  type ConfiguredState,
  type DesiredDns,
  type DesiredDnsmasq,
  type DesiredMasquerade,
  type DesiredSplit,
  type DesiredSysctl,
  type DesiredVerify,
  DNSMASQ_FILE,
  type SortlistEntry,
} from '../desired.ts';
import { type DesiredMetadata, METADATA_ADDRESS, metadataEndpoint } from '../desired-metadata.ts';
import { checkNameserver, checkPrefix, checkRetired, checkSortlistPair } from '../notation/addresses.ts';
import { checkRouter } from '../notation/dnsmasq-tags.ts';
import { checkInterfacePattern } from '../notation/names.ts';
import { durationOf } from '../notation/quantities.ts';
import { checkSysctlKey } from '../notation/sysctl-keys.ts';
import type { Config } from '../schema/config-schema.ts';
import { advertisementSysctls } from '../sysctl/advertisement-sysctls.ts';
import { forwardingSysctls } from '../sysctl/forwarding-sysctls.ts';
import { desiredDhclient, desiredDhcp } from './dhcp-meaning.ts';
import { meantBy } from './meant-by.ts';
import { desiredRoute } from './route-meaning.ts';
import { desiredRules } from './rule-meaning.ts';

/** Enough tries to show the path's own time: queues and a busy processor seldom delay all five. */
const TRIES = 5;
/** Nearness changes seldom, and each measurement of each host costs the servers work. */
const MEASURE_EVERY = '5m';
/** A VPC's ranges change a few times a year, and the answers cost next to nothing. */
const FETCH_EVERY = '5m';

type Verify = NonNullable<NonNullable<Config['dns']>['verify']>;
type Split = NonNullable<NonNullable<Config['dns']>['split']>[number];
type Forwarding = NonNullable<Config['forwarding']>;
type Masquerade = NonNullable<Forwarding['masquerade']>[number];
type Dnsmasq = NonNullable<Forwarding['dnsmasq']>;

export function desiredState(config: Config): ConfiguredState {
  const dns = config.dns ? desiredDns(config.dns) : null;
  const dhcp = desiredDhcp(config.dhcp ?? {});
  return {
    dns,
    dhcp,
    dhclient: desiredDhclient(config.dhclient ?? {}, dhcp, dns),
    restart: config.dhclient?.restart ?? config.dhcp?.restart ?? 'never',
    networkdRestart: config.dhcp?.restart ?? 'never',
    sysctl: [
      ...Object.entries(config.sysctl ?? {}).map(([key, rule]) => desiredSysctl(key, rule)),
      ...forwardingSysctls(config.forwarding ?? {}),
      ...advertisementSysctls(dhcp),
    ],
    masquerade: (config.forwarding?.masquerade ?? []).map(desiredMasquerade),
    dnsmasq: config.forwarding?.dnsmasq ? desiredDnsmasq(config.forwarding.dnsmasq) : null,
    routes: (config.routes ?? []).map(desiredRoute),
    rules: (config.rules ?? []).flatMap(desiredRules),
    metadata: desiredMetadata(config.metadata ?? {}),
    egress: config.egress ? { default: 'bgp', dhcp: config.egress.dhcp ?? 'drop' } : null,
    ledger: {
      mode: config.ledger ?? 'retiring',
      retire: [...new Set((config.retire ?? []).map((text) => meantBy(checkRetired(text))))],
    },
    ...(config.hold === undefined ? {} : { hold: config.hold }),
  };
}

function desiredDns(dns: NonNullable<Config['dns']>): DesiredDns<SortlistEntry> {
  return {
    domain: dns.domain ?? null,
    search: dns.search ?? null,
    nameservers: dns.nameservers?.map((text) => meantBy(checkNameserver(text))) ?? null,
    sortlist: dns.sortlist?.map(sortlistEntry) ?? null,
    options: dns.options ?? null,
    symlink: dns.symlink ?? 'refuse',
    split: dns.split?.map(desiredSplit) ?? null,
    verify: dns.verify ? desiredVerify(dns.verify) : null,
  };
}

function desiredMetadata({ provider, address, interval }: NonNullable<Config['metadata']>): DesiredMetadata {
  return {
    provider: provider ?? 'auto',
    endpoint: metadataEndpoint(address ?? METADATA_ADDRESS)!,
    interval: durationOf(interval ?? FETCH_EVERY) as number,
  };
}

function desiredVerify({ name, expect, timeout, quorum }: Verify): DesiredVerify {
  return {
    name,
    expect: expect?.map((text) => meantBy(checkPrefix(text))) ?? null,
    timeout: durationOf(timeout ?? '2s') as number,
    quorum: quorum ?? 1,
  };
}

function desiredSplit({ domains, servers, verify }: Split): DesiredSplit {
  return {
    domains: domains.map((domain) => domain.toLowerCase()),
    servers: servers.map((text) => meantBy(checkNameserver(text))),
    verify: verify ?? null,
  };
}

function sortlistEntry(entry: NonNullable<NonNullable<Config['dns']>['sortlist']>[number]): SortlistEntry {
  if (typeof entry === 'string') return meantBy(checkSortlistPair(entry));
  const { name, port, tries = TRIES, interval = MEASURE_EVERY } = entry.nearest;
  return { name: name.toLowerCase(), port, tries, interval: durationOf(interval) as number };
}

function desiredSysctl(key: string, rule: NonNullable<Config['sysctl']>[string]): DesiredSysctl {
  const path = meantBy(checkSysctlKey(key));
  if (typeof rule !== 'object') return { path, key, want: { value: String(rule) }, optional: false };
  const want = rule.atLeast === undefined ? { value: String(rule.value) } : { atLeast: rule.atLeast };
  return { path, key, want, optional: rule.optional ?? false };
}

function desiredMasquerade({ out, from, except = [] }: Masquerade): DesiredMasquerade {
  const network = meantBy(checkPrefix(from));
  return {
    out: meantBy(checkInterfacePattern(out)),
    from: network,
    except: except.map((text) => meantBy(checkPrefix(text))),
    family: familyOf(network),
  };
}

function desiredDnsmasq({ file, networks, dns }: Dnsmasq): DesiredDnsmasq {
  return {
    file: file ?? DNSMASQ_FILE,
    networks: networks.map(({ router, tag }) => ({ router: meantBy(checkRouter(router)), tag: tag ?? null })),
    dns: dns ?? false,
  };
}
