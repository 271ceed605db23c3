/** The wanted state by scope: an interface gets its own part, which goes before the global part. */
import type { DesiredDhcp } from '../../../config/desired.ts';
import { findOption, type OptionDefinition } from '../../../config/notation/dhcp-options.ts';

export interface WantedOptions {
  readonly key: string;
  readonly definition: OptionDefinition;
  readonly values: readonly string[];
  /** True for an interface if the global scope says the same. */
  readonly inherited: boolean;
}

export interface WantedRequest {
  readonly without: readonly OptionDefinition[];
  readonly also: readonly OptionDefinition[];
}

/** The grammar's key of an option, which is the same for every name in the file: `dhcp:6`. */
export function optionKey({ name, code }: OptionDefinition): string {
  return `${name.startsWith('dhcp6.') ? 'dhcp6' : 'dhcp'}:${code}`;
}

/**
 * The options to supersede globally (null), or for an interface: the interface's own values, and the inherited values.
 */
export function wantedIn(desired: DesiredDhcp, iface: string | null): WantedOptions[] {
  const { global, interfaces } = desired;
  const values = new Map([...global.supersede, ...((iface !== null && interfaces.get(iface)?.supersede) || [])]);
  return [...values].map(([name, wanted]) => {
    const definition = definitionOf(name);
    const inherited = iface !== null && global.supersede.get(name)?.join('\0') === wanted.join('\0');
    return { key: optionKey(definition), definition, values: wanted, inherited };
  });
}

/** A request of one scope beats a contrary request of the global scope. */
export function wantedRequest(desired: DesiredDhcp, iface: string | null): WantedRequest {
  const none = { without: [], also: [] };
  const global = desired.global.request ?? none;
  const own = (iface !== null && desired.interfaces.get(iface)?.request) || none;
  const merge = (all: readonly string[], mine: readonly string[], against: readonly string[]) =>
    [...new Set([...all.filter((name) => !against.includes(name)), ...mine])].map(definitionOf);
  return {
    without: merge(global.without, own.without, own.also),
    also: merge(global.also, own.also, own.without),
  };
}

function definitionOf(name: string): OptionDefinition {
  const definition = findOption(name);
  if (!definition) throw new TypeError(`no DHCP option is named ${name}`);
  return definition;
}
