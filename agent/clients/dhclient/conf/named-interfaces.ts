/**
 * The interfaces that a dhclient.conf names. A dhclient that reads the file configures them, whatever its command line
 * says.
 */
import { parseConf } from './grammar/grammar.ts';
import { namedInterfaces } from './reader.ts';

export function namesOtherInterfaces(text: string, own: readonly string[]): string[] {
  return [...namedInterfaces(parseConf(text))].filter((name) => !own.includes(name));
}
