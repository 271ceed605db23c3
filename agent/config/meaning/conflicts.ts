/**
 * Contradictions between settings that are valid each by itself. Works on any tree, so that all errors are shown at
 * once.
 */
import type { ConfigError } from '../config-error.ts';
import { DNS_OPTIONS } from '../notation/dns-options.ts';
import { checkEndpoint, isPlainAndRemote } from '../notation/endpoint.ts';
import { OFFER_OPTIONS } from '../notation/offer-options.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, type TreePath, valueAt } from '../source/tree.ts';
import { confirmConflicts } from './conflicts-confirm.ts';
import { forwardingConflicts } from './conflicts-forwarding.ts';
import { routeConflicts } from './conflicts-routes.ts';
import { ruleConflicts } from './conflicts-rules.ts';
import { splitConflicts } from './conflicts-split.ts';
import { sysctlConflicts } from './conflicts-sysctl.ts';

export function findConflicts(tree: Tree): ConfigError[] {
  return [
    ...heldAllTheSame(tree),
    ...dnsTwice(tree),
    ...dnsOfInterfaces(tree),
    ...nearestTwice(tree),
    ...splitConflicts(tree),
    ...requestBothWays(tree),
    ...ignoredAndSet(tree),
    ...sysctlConflicts(tree),
    ...forwardingConflicts(tree),
    ...routeConflicts(tree),
    ...ruleConflicts(tree),
    ...reportSecrets(tree),
    ...confirmConflicts(tree),
    ...unprovable(tree),
    ...retiredUncounted(tree),
  ];
}

const HELD = ['dns', 'dhcp', 'dhclient', 'sysctl', 'routes', 'rules', 'forwarding', 'egress'];

/** The sections with settings of DHCP clients. */
const DHCP_SECTIONS = ['dhcp', 'dhclient'];

function dhcpScopes(tree: Tree): TreePath[] {
  return [...DHCP_SECTIONS.map((section) => [section]), ...interfaceScopes(tree)];
}

function interfaceScopes(tree: Tree): TreePath[] {
  return DHCP_SECTIONS.flatMap((section) =>
    keysAt(tree, [section, 'interfaces']).map((name) => [section, 'interfaces', name]),
  );
}

function heldAllTheSame(tree: Tree): ConfigError[] {
  const held = HELD.filter((key) => valueAt(tree, [key]) !== undefined);
  if (valueAt(tree, ['hold']) === undefined || held.length === 0) return [];
  return [
    errorAt(
      tree,
      ['hold'],
      'key',
      `says that nothing is held, but ${held.join(', ')} is configured; take one of the two out`,
    ),
  ];
}

function retiredUncounted(tree: Tree): ConfigError[] {
  if (valueAt(tree, ['ledger']) !== 'off' || valueAt(tree, ['retire']) === undefined) return [];
  return [
    errorAt(tree, ['ledger'], 'value', 'is off, so nobody counts who asks the addresses of retire; write retiring'),
  ];
}

function dnsTwice(tree: Tree): ConfigError[] {
  return Object.entries(DNS_OPTIONS).flatMap(([setting, options]) => {
    if (valueAt(tree, ['dns', setting]) === undefined) return [];
    return DHCP_SECTIONS.flatMap((section) => options.map((option) => [section, 'supersede', option]))
      .filter((path) => valueAt(tree, path) !== undefined)
      .map((path) => errorAt(tree, path, 'key', `dns.${setting} sets this already; write it only there`));
  });
}

function dnsOfInterfaces(tree: Tree): ConfigError[] {
  return interfaceScopes(tree).flatMap((scope) =>
    Object.entries(DNS_OPTIONS).flatMap(([setting, options]) =>
      options
        .map((option) => [...scope, 'supersede', option])
        .filter((path) => valueAt(tree, path) !== undefined)
        .map((path) =>
          errorAt(tree, path, 'key', `the host has one resolv.conf, not one for each interface; set dns.${setting}`),
        ),
    ),
  );
}

function nearestTwice(tree: Tree): ConfigError[] {
  const sortlist = valueAt(tree, ['dns', 'sortlist']);
  if (!Array.isArray(sortlist)) return [];
  const seen = new Set<string>();
  return sortlist.flatMap((_, i) => {
    const at = (key: string) => valueAt(tree, ['dns', 'sortlist', i, 'nearest', key]);
    const [name, port] = [at('name'), at('port')];
    const target = `${String(name).toLowerCase()}:${port}`;
    if (typeof name !== 'string' || !seen.has(target)) {
      seen.add(target);
      return [];
    }
    return [errorAt(tree, ['dns', 'sortlist', i], 'value', `${target} is listed above already; keep one of them`)];
  });
}

function requestBothWays(tree: Tree): ConfigError[] {
  return dhcpScopes(tree).flatMap((scope) => {
    const without = valueAt(tree, [...scope, 'request', 'without']);
    const also = valueAt(tree, [...scope, 'request', 'also']);
    if (!Array.isArray(without) || !Array.isArray(also)) return [];
    return also.flatMap((option, i) =>
      without.includes(option)
        ? [errorAt(tree, [...scope, 'request', 'also', i], 'value', 'is also listed under without; keep one of them')]
        : [],
    );
  });
}

/** Errors for a superseded option that is also ignored: a superseded option no longer comes from the server. */
function ignoredAndSet(tree: Tree): ConfigError[] {
  return dhcpScopes(tree).flatMap((scope) =>
    Object.entries(OFFER_OPTIONS).flatMap(([offer, names]) => {
      const ignore = valueAt(tree, [...scope, 'ignore']);
      const at = Array.isArray(ignore) ? ignore.indexOf(offer) : -1;
      const set = names.find((name) => valueAt(tree, [...scope, 'supersede', name]) !== undefined);
      if (at === -1 || set === undefined) return [];
      return [errorAt(tree, [...scope, 'ignore', at], 'value', `supersede sets ${set}; keep one of them`)];
    }),
  );
}

/** Errors for half a certificate, and for secrets over a connection without TLS. */
function reportSecrets(tree: Tree): ConfigError[] {
  const has = (key: string) => valueAt(tree, ['report', key]) !== undefined;
  const error = (key: string, message: string) => errorAt(tree, ['report', key], 'key', message);
  const halves = [
    ...(has('certificate') && !has('key')
      ? [error('certificate', 'needs the file of its private key beside it: key')]
      : []),
    ...(has('key') && !has('certificate')
      ? [error('key', 'needs the file of its certificate beside it: certificate')]
      : []),
  ];
  const endpoint = valueAt(tree, ['report', 'endpoint']);
  const checked = typeof endpoint === 'string' ? checkEndpoint(endpoint) : null;
  if (checked === null || 'problem' in checked || !checked.value.startsWith('http:')) return halves;
  const unused = ['ca', 'certificate', 'key'].filter(has);
  const inTheClear = has('token-file') && isPlainAndRemote(checked.value);
  return [
    ...halves,
    ...unused.map((key) => error(key, 'needs TLS, and the endpoint has none; write https:// there, or leave this out')),
    ...(inTheClear ? [error('token-file', 'would be sent in the clear; write https:// in the endpoint')] : []),
  ];
}

/** Errors for a proof without servers, or with too few, which could never succeed. */
function unprovable(tree: Tree): ConfigError[] {
  if (valueAt(tree, ['dns', 'verify']) === undefined) return [];
  const servers = valueAt(tree, ['dns', 'nameservers']);
  if (servers === undefined) {
    return [
      errorAt(tree, ['dns', 'verify'], 'key', 'proves name servers, but none are configured; write dns.nameservers'),
    ];
  }
  const quorum = valueAt(tree, ['dns', 'verify', 'quorum']);
  if (!Array.isArray(servers) || typeof quorum !== 'number' || quorum <= servers.length) return [];
  const message = `is more than the number of name servers; write at most ${servers.length}`;
  return [errorAt(tree, ['dns', 'verify', 'quorum'], 'value', message)];
}

function keysAt(tree: Tree, path: TreePath): string[] {
  const value = valueAt(tree, path);
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : [];
}
