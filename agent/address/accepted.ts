/**
 * Texts that a checker has accepted. The compiler lets only these into files of root, into the input of root's programs
 * and into messages to the kernel. At run time each is a plain text, so code that prints one needs no change.
 * test/unit/accepted.test.ts lists the checkers: no other file may make one.
 */

declare const accepted: unique symbol;
type Accepted<What> = string & { readonly [accepted]: What };

/** One address in its usual notation (RFC 5952), without a zone: `10.0.0.1`, `2001:db8::1`. */
export type IpAddress = Accepted<'address'>;

/** A name server's address. A link-local address has its zone: `fe80::1%eth0`. */
export type ServerAddress = IpAddress | Accepted<'address with its zone'>;

/** A network in its usual notation, without host bits: `10.0.0.0/16`. */
export type Prefix = Accepted<'prefix'>;

/** An interface's name without characters that have a meaning in a configuration file or a shell. */
export type InterfaceName = Accepted<'interface name'>;

/** An interface's name, or the beginning of names with `*` behind it: `ppp*`. No interface's own name has a `*` in it. */
export type InterfacePattern = InterfaceName | Accepted<'interface pattern'>;

/** `address/netmask` as resolv.conf wants it (dotted netmask). */
export type SortlistPair = Accepted<'sortlist pair'>;
