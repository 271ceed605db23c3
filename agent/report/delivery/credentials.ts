/**
 * The token, certificates and key that this host shows to the collector. They may be renewed at any time, so each
 * request reads them again. While a file cannot be used, the last good content stays in force.
 */
import type { DesiredReport } from '../../config/desired-daemon.ts';
import { checkCertificates, checkKey, tokenIn } from '../../config/proofs.ts';
import { errorMessage, hostError } from '../../host/errors.ts';
import { readRegularFile } from '../../host/files/read.ts';
import { secretFile } from '../../host/service/secret-files.ts';

export type CredentialNames = Pick<DesiredReport, 'tokenFile' | 'ca' | 'certificate' | 'key'>;

export interface Proofs {
  readonly token: string | null;
  readonly ca: Buffer | null;
  readonly certificate: Buffer | null;
  readonly key: Buffer | null;
}

/** Files that are in force together, and what each must be. */
type Part = readonly (readonly [named: string, check: (bytes: Buffer, before: Buffer | null) => unknown])[];

export class Credentials {
  /** The last good content, by the names of the files. */
  readonly #good = new Map<string, readonly Buffer[]>();

  /** Throws if a file cannot be used and never could. */
  read(names: CredentialNames): Proofs {
    const [[token], [ca], [certificate, key]] = partsOf(names).map((part) => this.#take(part)) as [
      Buffer[],
      Buffer[],
      Buffer[],
    ];
    return {
      token: token === undefined ? null : tokenIn(token.toString('latin1')),
      ca: ca ?? null,
      certificate: certificate ?? null,
      key: key ?? null,
    };
  }

  /** One sentence for each file that cannot be used now. */
  problems(names: CredentialNames): string[] {
    return partsOf(names).flatMap((part) => {
      try {
        this.#good.set(nameOf(part), load(part));
        return [];
      } catch (error) {
        const then = this.#good.has(nameOf(part))
          ? 'The last good content of the file stays in force until the file is corrected.'
          : 'Nothing is delivered to the collector until the file is corrected.';
        return [`${errorMessage(error)}. ${then}`];
      }
    });
  }

  #take(part: Part): readonly Buffer[] {
    const name = nameOf(part);
    try {
      const found = load(part);
      this.#good.set(name, found);
      return found;
    } catch (error) {
      const good = this.#good.get(name);
      if (good === undefined) throw error;
      return good;
    }
  }
}

function partsOf({ tokenFile, ca, certificate, key }: CredentialNames): Part[] {
  return [
    tokenFile === null ? [] : [[tokenFile, (bytes) => tokenIn(bytes.toString('latin1'))]],
    ca === null ? [] : [[ca, checkCertificates]],
    [
      ...(certificate === null ? [] : [[certificate, checkCertificates] as const]),
      ...(key === null ? [] : [[key, checkKey] as const]),
    ],
  ];
}

function nameOf(part: Part): string {
  return part.map(([named]) => named).join('\0');
}

/** Throws with the name of the file that cannot be used, and without its content. */
function load(part: Part): readonly Buffer[] {
  const found: Buffer[] = [];
  for (const [named, check] of part) {
    try {
      const bytes = read(named);
      check(bytes, found.at(-1) ?? null);
      found.push(bytes);
    } catch (error) {
      throw new Error(`${named} cannot be used: ${errorMessage(error)}`, { cause: error });
    }
  }
  return found;
}

/** Reads a file, or a credential of systemd. Throws HostError. */
function read(named: string): Buffer {
  const path = secretFile(named);
  try {
    return readRegularFile(path);
  } catch (error) {
    throw hostError('read', path, error);
  }
}
