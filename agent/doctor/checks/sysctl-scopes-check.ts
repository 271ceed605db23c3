/**
 * net.ipv4.conf and net.ipv6.conf: `all`, `default` and each interface are separate values, which the kernel combines.
 * The result is computed as if the whole configuration were already applied. Source: ip-sysctl.rst and the kernel's
 * include/linux/inetdevice.h.
 */
import type { DesiredSysctl } from '../../config/desired.ts';
import { EVERY } from '../../config/notation/sysctl-keys.ts';
import type { Host } from '../../host/host.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

interface Scoped {
  readonly setting: DesiredSysctl;
  readonly value: number;
  readonly family: '4' | '6';
  /** `all`, `default`, or an interface. */
  readonly scope: string;
  readonly name: string;
}

/** How the kernel combines `all` and the interface's own value. IPv4 only. */
type Rule = 'max' | 'or' | 'and' | 'redirects';

const RULES: ReadonlyMap<string, Rule> = new Map([
  ['rp_filter', 'max'],
  ['arp_announce', 'max'],
  ['arp_ignore', 'max'],
  ['send_redirects', 'or'],
  ['secure_redirects', 'or'],
  ['shared_media', 'or'],
  ['log_martians', 'or'],
  ['arp_filter', 'or'],
  ['proxy_arp', 'or'],
  ['accept_local', 'or'],
  ['promote_secondaries', 'or'],
  ['accept_source_route', 'and'],
  ['mc_forwarding', 'and'],
  // ip-sysctl.rst: with forwarding on, both must be 1; otherwise one of the two is enough.
  ['accept_redirects', 'redirects'],
]);

const RULE_TEXT: Record<Rule, string> = {
  max: 'the larger of conf.all and the interface’s own counts',
  or: 'conf.all or the interface’s own is enough',
  and: 'conf.all and the interface’s own must both be set',
  redirects: 'with forwarding on both must be 1, else conf.all or the interface’s own is enough',
};

/**
 * IPv6 keys whose `all` is written to every interface, or read beside the interface's own value (net/ipv6/addrconf.c,
 * exthdrs.c).
 */
const ALL_COUNTS = new Set(
  (
    'forwarding disable_ipv6 disable_policy proxy_ndp ndisc_notify keep_addr_on_down ignore_routes_with_linkdown ' +
    'addr_gen_mode force_forwarding accept_source_route seg6_enabled rpl_seg_enabled'
  ).split(' '),
);
const MOST_NAMED = 6;

export function* sysctlScopesCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  const settings = desired?.sysctl ?? [];
  // `forwarding` holds all three values.
  const own = settings.filter(({ setting }) => setting === undefined);
  if (settings.some(({ path }) => FORWARDING.has(path)) && own.some(({ path }) => ACCEPT.test(path))) {
    const [first] = settings.filter(({ path }) => FORWARDING.has(path));
    yield { code: 'HF-SYSCTL-FORWARD', seen: `${first?.key} is configured, and accept_redirects or forwarding too` };
  }
  if (!host.live) return;
  const values = new Values(host, settings);
  for (const setting of settings) {
    const scoped = parse(setting);
    if (scoped === null) continue;
    if (scoped.scope === 'default') yield* unreached(host, values, scoped);
    yield* combined(host, values, scoped);
  }
}

const FORWARDING = new Set(['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding']);
const ACCEPT = /^net\/ipv4\/conf\/.+\/(accept_redirects|forwarding)$/;

/** Interfaces that keep another value of their own, although `default` is right. */
function* unreached(host: Host, values: Values, { setting, value, family, name }: Scoped): Iterable<DoctorObservation> {
  const others = interfaces(host, family).filter((scope) => {
    const own = values.live(family, scope, name);
    return scope !== 'lo' && own !== null && own !== value && !values.configured(family, scope, name);
  });
  if (others.length === 0) return;
  const named = others.map((scope) => `${scope} (${values.live(family, scope, name)})`);
  yield { code: 'HF-SYSCTL-DEFAULT', seen: `${setting.key} is to be ${value}, but it is not on ${list(named)}` };
}

/** Reports interfaces whose combined value differs from the configured value. */
function* combined(host: Host, values: Values, scoped: Scoped): Iterable<DoctorObservation> {
  const { setting, value, family, scope, name } = scoped;
  if (family === '6') {
    if (scope === 'all') yield* withoutEffect(host, values, scoped);
    return;
  }
  const rule = RULES.get(name);
  if (rule === undefined) return;
  const scopes = scope === 'all' ? interfaces(host, family).filter((one) => one !== 'lo') : [scope];
  const wrong = scopes.filter((one) => {
    const all = values.planned(family, 'all', name);
    const own = values.planned(family, one, name);
    // A new interface forwards as default.forwarding says.
    const forwarding = values.planned(family, one, 'forwarding') === 1;
    return all !== null && own !== null && combine(rule, all, own, forwarding) !== value;
  });
  if (wrong.length === 0) return;
  const where = scope === 'default' ? 'new interfaces' : list(wrong);
  const all = scope === 'all' ? '' : ` (conf.all.${name} is ${values.planned(family, 'all', name)})`;
  const seen = `${setting.key} is to be ${value}, but that is not what counts on ${where}${all}: ${RULE_TEXT[rule]}`;
  yield { code: 'HF-SYSCTL-ALL', seen };
}

/** IPv6 reads most keys only from the interface. */
function* withoutEffect(
  host: Host,
  values: Values,
  { setting, value, family, name }: Scoped,
): Iterable<DoctorObservation> {
  if (ALL_COUNTS.has(name)) return;
  const others = interfaces(host, family).filter((scope) => {
    const own = values.planned(family, scope, name);
    return scope !== 'lo' && own !== null && own !== value;
  });
  if (others.length === 0) return;
  yield {
    code: 'HF-SYSCTL-ALL',
    seen: `${setting.key} is to be ${value}, but ${list(others)} keep values of their own: for most IPv6 keys conf.all changes no interface`,
  };
}

function combine(rule: Rule, all: number, own: number, forwarding: boolean): number {
  if (rule === 'max') return Math.max(all, own);
  const both = rule === 'and' || (rule === 'redirects' && forwarding);
  return Number(both ? all !== 0 && own !== 0 : all !== 0 || own !== 0);
}

/** Values of the running kernel, and their values after the configuration is applied. */
class Values {
  private readonly host: Host;
  private readonly wanted: ReadonlyMap<string, number>;

  constructor(host: Host, settings: readonly DesiredSysctl[]) {
    this.host = host;
    const wanted = settings.flatMap(({ path, want }): [string, number][] => {
      if (!('value' in want) || !isInteger(want.value)) return [];
      return each(host, path).map((one) => [one, Number(want.value)]);
    });
    const forwards = new Map(wanted).get('net/ipv4/ip_forward');
    this.wanted = new Map([...(forwards === undefined ? [] : this.forwarding(forwards)), ...wanted]);
  }

  live(family: '4' | '6', scope: string, name: string): number | null {
    const text = this.host.sysctl(path(family, scope, name));
    return text !== null && isInteger(text) ? Number(text) : null;
  }

  planned(family: '4' | '6', scope: string, name: string): number | null {
    return this.wanted.get(path(family, scope, name)) ?? this.live(family, scope, name);
  }

  configured(family: '4' | '6', scope: string, name: string): boolean {
    return this.wanted.has(path(family, scope, name));
  }

  /** The values that a change of ip_forward also sets. */
  private forwarding(on: number): [string, number][] {
    if (this.host.sysctl('net/ipv4/ip_forward') === String(on)) return [];
    const scopes = ['all', 'default', ...interfaces(this.host, '4')];
    return [
      ...scopes.map((scope): [string, number] => [path('4', scope, 'forwarding'), on]),
      [path('4', 'all', 'accept_redirects'), on === 0 ? 1 : 0],
    ];
  }
}

function parse(setting: DesiredSysctl): Scoped | null {
  const match = /^net\/ipv([46])\/conf\/([^/]+)\/([^/]+)$/.exec(setting.path);
  // For EVERY interface, nothing is left out.
  if (match === null || match[2] === EVERY || !('value' in setting.want) || !isInteger(setting.want.value)) return null;
  const [, family, scope, name] = match as unknown as [string, '4' | '6', string, string];
  return { setting, value: Number(setting.want.value), family, scope, name };
}

/** The path itself, or that of every interface. */
function each(host: Host, path: string): string[] {
  if (!path.includes(EVERY)) return [path];
  return interfaces(host, path.startsWith('net/ipv6/') ? '6' : '4').map((scope) => path.replace(EVERY, scope));
}

function interfaces(host: Host, family: '4' | '6'): string[] {
  return host.list(`/proc/sys/net/ipv${family}/conf`).filter((name) => name !== 'all' && name !== 'default');
}

function path(family: '4' | '6', scope: string, name: string): string {
  return `net/ipv${family}/conf/${scope}/${name}`;
}

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text.trim());
}

function list(names: readonly string[]): string {
  const some = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${some} and ${names.length - MOST_NAMED} more` : some;
}
