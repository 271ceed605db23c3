/** Names of domains and of network interfaces. Each function returns an error with a remedy, or undefined. */
import { domainToASCII } from 'node:url';
import type { InterfaceName, InterfacePattern } from '../../address/accepted.ts';
import { type Checked, show } from '../config-error.ts';

export const DOMAIN_PATTERN =
  '^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$';
export const SEARCH_PATTERN = `^\\.$|${DOMAIN_PATTERN}`;
export const INTERFACE_PATTERN = '^[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]{0,14}$';

export const OUTGOING_PATTERN = '^[A-Za-z0-9_.@+]([A-Za-z0-9_.@+-]{0,13}\\*|[A-Za-z0-9_.@+-]{0,14})$';

const DOMAIN = new RegExp(DOMAIN_PATTERN);
const INTERFACE = new RegExp(INTERFACE_PATTERN);
const IPV4 = /^\d+(\.\d+){3}$/;
const LONGEST_DOMAIN = 253;

/** RFC 1123 labels, with underscores as in service names; without the final dot. */
export function domainProblem(name: string): string | undefined {
  if (IPV4.test(name)) return `${show(name)} is an address, not a domain name; name servers belong under nameservers`;
  if (DOMAIN.test(name)) {
    return name.length <= LONGEST_DOMAIN
      ? undefined
      : `${show(name)} has ${name.length} characters; a domain name has at most ${LONGEST_DOMAIN}`;
  }
  if (/[^\x00-\x7f]/.test(name)) {
    const ascii = domainToASCII(name);
    return DOMAIN.test(ascii)
      ? `${show(name)} is not ASCII; write ${ascii}`
      : `${show(name)} is not ASCII; write it in its punycode form (xn--…)`;
  }
  if (name.endsWith('.') && DOMAIN.test(name.slice(0, -1))) {
    return `${show(name)} ends with a dot; write ${name.slice(0, -1)}`;
  }
  const bare = /^(?:https?:\/\/|\*\.|\.|~|@)([A-Za-z0-9_.-]*[A-Za-z0-9])\/?$/.exec(name)?.[1];
  if (bare !== undefined && DOMAIN.test(bare)) return `${show(name)} is not a domain name; write ${bare}`;
  const words = name.split(/[ ,;]+/).filter((word) => word !== '');
  if (words.length > 1 && words.every((word) => DOMAIN.test(word)))
    return `${show(name)} is not one domain name; write a list: [${words.join(', ')}]`;
  return `${show(name)} is not a domain name; write labels of letters, digits, - and _ (at most 63 each), such as dev.example.com`;
}

/** The same check as domainProblem, for a place with a single name. */
export function oneDomainProblem(name: string): string | undefined {
  const [first, ...others] = name.split(/[ ,;]+/).filter((word) => DOMAIN.test(word));
  if (first === undefined || others.length === 0) return domainProblem(name);
  return `${show(name)} is not one domain name; write ${first}, and the others under search`;
}

/**
 * A domain that libc appends to a short name. "." appends nothing: the name is tried as it stands (systemd-resolved
 * writes it so).
 */
export function searchProblem(name: string): string | undefined {
  return name === '.' ? undefined : domainProblem(name);
}

/**
 * The kernel's rules (dev_valid_name, IFNAMSIZ), without characters that have a meaning in a configuration file or a
 * shell.
 */
export function interfaceNameProblem(name: string): string | undefined {
  // The kernel accepts this name, but JavaScript cannot use it as a key of a map.
  if (name === '__proto__') return `${show(name)} is no interface name that can be configured`;
  if (IPV4.test(name)) return `${show(name)} is an address, not an interface name; write one such as eth0`;
  if (INTERFACE.test(name) && name !== '.' && name !== '..') return undefined;
  if (name.length > 15 && /^[\w.+@-]+$/.test(name))
    return `${show(name)} is longer than 15 characters, so it is no interface's name; for an alternative name (altname) write the name that "ip link show ${name}" prints`;
  return `${show(name)} is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100`;
}

export function checkInterfaceName(name: string): Checked<InterfaceName> {
  const problem = interfaceNameProblem(name);
  return problem === undefined ? { value: name as InterfaceName } : { problem };
}

/** A `*` at the end stands for the rest of the name, as nft(8) takes it. */
export function interfacePatternProblem(text: string): string | undefined {
  if (!text.includes('*')) return interfaceNameProblem(text);
  const start = text.replace(/\*+$/, '');
  if (start === '')
    return `${show(text)} is every interface, also that of the clients; write how the names begin: ppp*`;
  if (start.includes('*'))
    return `${show(text)} is not an interface name; write one * as the last character, as in ppp*`;
  const problem = interfaceNameProblem(start);
  if (problem !== undefined || start.length > 14)
    return `${show(text)} is no beginning of an interface name; write 1 to 14 letters, digits and . _ - + @ before the *`;
  return text === `${start}*` ? undefined : `${show(text)} has several *; write ${start}*`;
}

export function checkInterfacePattern(text: string): Checked<InterfacePattern> {
  const problem = interfacePatternProblem(text);
  return problem === undefined ? { value: text as InterfacePattern } : { problem };
}

/** Whether the pattern fits this interface, or each interface that this narrower pattern fits. */
export function fitsInterface(pattern: string, narrower: string): boolean {
  return pattern.endsWith('*') ? narrower.startsWith(pattern.slice(0, -1)) : pattern === narrower;
}
