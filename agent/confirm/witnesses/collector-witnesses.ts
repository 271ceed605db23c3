/**
 * The collector as a witness. The collector acknowledges the change, reaches a port of this host from its own side, and
 * hears the hosts behind this host. One question in each family brings all of these.
 */
import { networkInterfaces } from 'node:os';
import { bareHost, type Family } from '../../address/address.ts';
import { unmappedAddress } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import type { WitnessPlace } from '../judgement.ts';
import type { TalkAnswer } from '../wire/acknowledgement.ts';
import { type Talk, talk } from './collector-talk.ts';
import {
  ANSWERS,
  type ConfirmWitness,
  type Hearing,
  makeWitness,
  silent,
  type TrialQuestion,
} from './confirm-witness.ts';
import { notFound } from './local-witnesses.ts';
import { FAMILY_NAMES, familiesOf, placesOf } from './places.ts';
import type { TalkOptions } from './sealed-talk.ts';

export interface CollectorWishes {
  readonly inbound: number | null;
  readonly behind: readonly string[];
}

export function collectorWitnesses(host: Host, options: TalkOptions, wishes: CollectorWishes): ConfirmWitness[] {
  const name = bareHost(new URL(options.endpoint).hostname);
  const families = familiesOf(name);
  return families.flatMap((family) => {
    const ending = families.length > 1 ? ` (${FAMILY_NAMES[family]})` : '';
    const shared = new SharedTalk(host, options, wishes, { name, family });
    const places = (signal: AbortSignal) => shared.places(signal);
    const astray = notFound(name, family);
    const parts = { places, astray };
    const { inbound, behind } = wishes;
    return [
      makeWitness({
        ...parts,
        name: `collector ${options.endpoint}${ending}`,
        kind: 'collector',
        hear: async (...asked) => (await shared.talk(...asked)).heard,
      }),
      ...(inbound === null
        ? []
        : [
            makeWitness({
              ...parts,
              name: `inbound ${inbound}${ending}`,
              kind: 'inbound',
              hear: async (...asked) => inboundOf(await shared.talk(...asked)),
            }),
          ]),
      ...behind.map((one) =>
        makeWitness({
          ...parts,
          name: `host ${one}${ending}`,
          kind: 'host',
          // The way that the change may break is the one to that host, and not the one to the collector.
          places: async (signal) => {
            const own = await Promise.all((['ipv4', 'ipv6'] as const).map((each) => placesOf(host, one, each, signal)));
            const found = own.flat();
            return found.length > 0 ? found : [{ address: one, way: null }];
          },
          hear: async (_, question, signal) =>
            behindOf(one, await shared.talk(await shared.places(signal), question, signal), question),
        }),
      ),
    ];
  });
}

/** The question of all witnesses of one family that are asked at once. */
class SharedTalk {
  readonly #host: Host;
  readonly #options: TalkOptions;
  readonly #wishes: CollectorWishes;
  readonly #at: { readonly name: string; readonly family: Family };
  #places: Promise<readonly WitnessPlace[]> | null = null;
  /** The question under way, and the trial that it is about. */
  #talk: { readonly about: string; readonly result: Promise<Talk> } | null = null;

  constructor(host: Host, options: TalkOptions, wishes: CollectorWishes, at: { name: string; family: Family }) {
    this.#host = host;
    this.#options = options;
    this.#wishes = wishes;
    this.#at = at;
  }

  places(signal: AbortSignal): Promise<readonly WitnessPlace[]> {
    this.#places ??= placesOf(this.#host, this.#at.name, this.#at.family, signal).finally(() => {
      this.#places = null;
    });
    return this.#places;
  }

  talk(places: readonly WitnessPlace[], { change, since }: TrialQuestion, signal: AbortSignal): Promise<Talk> {
    const about = `${change} ${since}`;
    if (this.#talk?.about === about) return this.#talk.result;
    const addresses = places.map(({ address }) => address);
    const asked = { change, ...this.#wishes };
    const result =
      addresses.length === 0
        ? Promise.resolve<Talk>({ answer: null, heard: silent(notFound(this.#at.name, this.#at.family)), asked: 0 })
        : talk(this.#options, asked, addresses, signal);
    const own = { about, result };
    this.#talk = own;
    void result.finally(() => {
      if (this.#talk === own) this.#talk = null;
    });
    return result;
  }
}

/** A collector that is reached and does not say is no sign that the change cuts anything off, so it is not silence. */
function cannotSay({ reached, why }: Hearing): Hearing {
  return { reached, why: `the collector cannot say: ${why}` };
}

function inboundOf({ answer, heard }: Talk): Hearing {
  if (answer === null) return cannotSay(heard);
  if (!answer.inbound?.tried)
    return cannotSay({ reached: true, why: answer.inbound?.why ?? 'it did not try the port' });
  if (!isOwn(answer)) {
    return silent(
      `the collector sees this host as ${answer.address}, which is no address of this host: behind a proxy or NAT, nothing is proved`,
    );
  }
  return answer.inbound.why === null ? ANSWERS : silent(`the collector does not reach it: ${answer.inbound.why}`);
}

/** Whether the collector tried an address of this host itself. */
function isOwn({ address }: TalkAnswer): boolean {
  const seen = unmappedAddress(address.replace(/%.*/, ''));
  const own = Object.values(networkInterfaces()).flat();
  return seen !== null && own.some((one) => unmappedAddress(one?.address ?? '') === seen);
}

function behindOf(name: string, { answer, heard, asked }: Talk, { since }: TrialQuestion): Hearing {
  if (answer === null) return cannotSay(heard);
  const found = answer.behind.find((one) => one.name === name);
  if (found === undefined || found.age === null) return silent('the collector knows no host of this name');
  const ago = `${Math.round(found.age / 1000)} s ago`;
  if (found.silent) return silent(`the collector heard it last ${ago}`);
  if (since !== null && asked - found.age <= since)
    return silent(`the collector heard it last ${ago}, before the change`);
  return ANSWERS;
}
