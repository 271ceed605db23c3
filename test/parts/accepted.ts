/** Plain texts of a test in the places of accepted ones (agent/address/accepted.ts), without their checkers. */
import type { InterfaceName, Prefix, ServerAddress, SortlistPair } from '../../agent/address/accepted.ts';

/** The same type with plain texts. */
export type Plain<T> = T extends ServerAddress | Prefix | InterfaceName | SortlistPair
  ? string
  : T extends ReadonlyMap<infer Key, infer Value>
    ? ReadonlyMap<Plain<Key>, Plain<Value>>
    : T extends ReadonlySet<infer Value>
      ? ReadonlySet<Plain<Value>>
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

/** The type follows from the place: `const one: IpAddress = accepted('10.0.0.1')`. */
export function accepted<T>(plain: NoInfer<Plain<T>>): T {
  return plain as T;
}
