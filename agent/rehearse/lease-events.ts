/**
 * The events of a lease, named as in dhclient-script(8), and the environment that dhclient gives the script at each.
 */
import type { EffectiveConf } from '../clients/dhclient/conf/reader.ts';
import type { Lease } from '../clients/dhclient/leases/leases.ts';
import type { LeaseReason } from '../clients/lease-reasons.ts';
import { checkOptionValues, envName, envValue, findOption } from '../config/notation/dhcp-options.ts';
import type { KnownOffer } from './lease.ts';

export const beginsWithStart = (reason: LeaseReason) =>
  reason === 'REBOOT' || reason === 'BOUND' || reason === 'TIMEOUT';

export interface Occasion {
  readonly reason: LeaseReason;
  readonly interface: string;
  /** The pid of dhclient; 0 if none runs. */
  readonly pid: number;
  /** The lease as dhclient wrote it, including the values that its configuration put in place of the offer. */
  readonly lease: Lease;
  /** Its request list sets the variables `requested_…` of all events. */
  readonly conf: EffectiveConf;
  readonly differently: KnownOffer['differently'];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The variables of one event, without those that every event has, as measured on 4.4.3. Assumes that a server answers
 * as it did before. A running dhclient uses the configuration that it remembers, which the lease already contains. A
 * starting dhclient reads the file. At TIMEOUT the lease is used as it was written.
 */
export function variablesOf({
  reason,
  interface: iface,
  pid,
  lease,
  conf,
  differently,
  now,
}: Occasion): Map<string, string> {
  const variables = new Map<string, string>();
  variables.set('reason', reason).set('interface', iface).set('pid', String(pid));
  for (const name of conf.request.filter((option) => !option.startsWith('dhcp6.')))
    variables.set(`requested_${name.replace(/[.-]/g, '_')}`, '1');

  const known = optionsOf(lease);
  if (reason === 'RENEW' || reason === 'REBIND' || reason === 'EXPIRE')
    describe(variables, 'old_', lease, known, lease.expire, UNKNOWN);
  if (reason === 'TIMEOUT') describe(variables, 'new_', lease, known, lease.expire);
  else if (reason !== 'EXPIRE') {
    const options = beginsWithStart(reason) && differently !== null ? started(known, differently) : known;
    const seconds = Number(options.get('dhcp-lease-time') ?? 0);
    describe(variables, 'new_', lease, options, (Math.floor(now / 1000) + seconds) * 1000, UNKNOWN);
  }
  return variables;
}

/** dhclient records no boot server's address, so we assume what most servers send: none. */
const UNKNOWN = [['next-server', '0.0.0.0']] as const;

/** The options that a changed configuration would make from an answer like the last one. */
function started(
  known: ReadonlyMap<string, string>,
  { supersede, request }: NonNullable<KnownOffer['differently']>,
): Map<string, string> {
  // A server sends the requested options and those that every lease has.
  const kept = [...known].filter(
    ([name]) => request === null || request.includes(name) || /^(dhcp-|subnet-mask$)/.test(name),
  );
  const options = new Map(kept);
  for (const [name, { values }] of supersede) {
    if (name.startsWith('dhcp6.')) continue;
    const definition = findOption(name);
    const text = definition === undefined ? values.join(' ') : envValue(definition, values);
    if (text !== '') options.set(name, text);
  }
  return options;
}

/** Sets the lease's options in the environment's notation, without those that dhclient itself discards. */
function optionsOf({ options }: Lease): Map<string, string> {
  const texts = [...options].map(([name, value]) => [name, plain(value)] as const);
  return new Map(texts.filter(([name, text]) => text !== '' && !isSuspect(name, text)));
}

/** The same check as check_option_values() in dhclient.c: `suspect value in … option - discarded`. */
const CHECKED = ['domain-name', 'domain-search', 'host-name', 'nis-domain', 'netbios-scope', 'root-path'];

function isSuspect(name: string, text: string): boolean {
  const definition = CHECKED.includes(name) ? findOption(name) : undefined;
  if (definition === undefined) return false;
  return checkOptionValues(definition, name === 'domain-search' ? text.split(' ') : [text]) !== undefined;
}

/** Removes the commas of lists and the quotes of texts. Escapes stay escaped, as in pretty_print_option(). */
function plain(value: string): string {
  return value.replace(/"((?:[^"\\]|\\.)*)"|,\s*/g, (_, text?: string) => text ?? ' ');
}

function describe(
  variables: Map<string, string>,
  prefix: 'old_' | 'new_',
  lease: Lease,
  options: ReadonlyMap<string, string>,
  expiry: number | null,
  more: readonly (readonly [name: string, value: string])[] = [],
): void {
  const { address, fields } = lease;
  if (address !== null) variables.set(`${prefix}ip_address`, address);
  const mask = options.get('subnet-mask');
  if (address !== null && mask !== undefined) {
    const [network, broadcast] = bounds(address, mask);
    variables.set(`${prefix}network_number`, network).set(`${prefix}broadcast_address`, broadcast);
  }
  for (const [name, value] of [...more, ...fields]) variables.set(prefix + name.replace('-', '_'), plain(value));
  for (const [name, value] of options) {
    const definition = findOption(name);
    const after = definition === undefined ? name.replace(/[.-]/g, '_') : envName(definition).slice('new_'.length);
    variables.set(prefix + after, value);
  }
  if (expiry !== null) variables.set(`${prefix}expiry`, String(Math.floor(expiry / 1000)));
}

/** The first and the last address of a network. */
function bounds(address: string, mask: string): [string, string] {
  const bits = mask.split('.').map(Number);
  const bytes = address.split('.').map(Number);
  const network = bytes.map((byte, at) => byte & (bits[at] ?? 0));
  return [network.join('.'), network.map((byte, at) => byte | (~(bits[at] ?? 0) & 255)).join('.')];
}
