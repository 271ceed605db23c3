/** Answers from one document that describes all interfaces of the instance, as Azure and Google give it. */
import type { MetadataName } from '../../config/desired-metadata.ts';
import { errorMessage } from '../../host/errors.ts';
import type { MetadataAnswer, MetadataQuestion, MetadataValue } from './provider.ts';
import { hardwareAddress } from './value-checks.ts';

type Interface = Readonly<Record<string, unknown>>;

/** `macKey`: the key of an interface's hardware address. `valuesOf` throws an Error with a sentence if there are none. */
export function answersOf(
  questions: readonly MetadataQuestion[],
  interfaces: readonly Interface[],
  macKey: string,
  valuesOf: (found: Interface, name: MetadataName) => readonly MetadataValue[],
): MetadataAnswer[] {
  return questions.map(({ name, mac }): MetadataAnswer => {
    const found = mac === null ? interfaces[0] : interfaces.find((one) => hardwareAddress(one[macKey]) === mac);
    const own = hardwareAddress(found?.[macKey]);
    if (found === undefined || own === null)
      return { problem: `it knows no interface with the hardware address ${mac}` };
    try {
      return { mac: own, values: valuesOf(found, name) };
    } catch (error) {
      return { problem: errorMessage(error) };
    }
  });
}
