/**
 * Files that Holdfast made or changed for a DHCP client which is gone by now, as after a migration. `apply` puts them
 * back by the record of their originals. On any doubt whether the client is gone, its files are kept right as before.
 */
import { applyFile } from '../hold/files/apply-file.ts';
import { isOurs, type OriginalFile, Originals } from '../hold/originals/originals.ts';
import type { Finding, Outcome, Resource } from '../hold/resource.ts';
import type { Host } from '../host/host.ts';
import type { DhcpClient } from './client.ts';
import { installsNow } from './package-managers.ts';

/** Folders of programs, also of those that no package brought. */
const FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/sbin',
  '/opt/bin',
];
/** A client that may leave orphans. */
type LeavingClient = Pick<DhcpClient, 'program' | 'isHere'> & Required<Pick<DhcpClient, 'orphans'>>;

/** The client's resource; the orphans' while the client is gone. */
export class UnlessGone implements Resource {
  readonly name: string;
  private readonly host: Host;
  private readonly client: LeavingClient;
  private readonly resource: Resource;
  private readonly takesAway: boolean;

  /** `takesAway`: this resource of the client takes away the files of all of them. */
  constructor(host: Host, client: LeavingClient, resource: Resource, takesAway: boolean) {
    this.name = resource.name;
    this.host = host;
    this.client = client;
    this.resource = resource;
    this.takesAway = takesAway;
  }

  async inspect(): Promise<Finding[]> {
    const { host, client } = this;
    if (host.live && !client.isHere(host)) {
      const files = client.orphans(host);
      // Without a file neither finds anything, and whether the client is gone need not be asked.
      if (files.length === 0) return [];
      if (isGone(host, client)) return this.takesAway ? Promise.all(files.map((file) => this.orphan(file))) : [];
    }
    return this.resource.inspect();
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (!isGone(this.host, this.client)) return this.resource.apply(finding);
    const outcome = await applyFile(this.host, finding);
    const originals = new Originals(this.host);
    const original = originals.find('file', finding.key);
    if (outcome.result === 'changed' && original !== null) originals.forget(original);
    return outcome;
  }

  watches(): string[] {
    return this.resource.watches();
  }

  private async orphan(key: string): Promise<Finding> {
    const { host, client, name } = this;
    const actual = host.readText(key);
    const why = `for ${client.program}, which is not installed`;
    const finding = { resource: name, key, kind: 'file', moment: 'lease', actual, settings: async () => [] } as const;
    const originals = new Originals(host);
    const original = originals.find('file', key);
    const recorded = original === null || originals.isForeign(original) ? null : original;
    const wanted = recorded === null ? undefined : await before(recorded, actual);
    if (wanted === undefined) {
      const stays =
        recorded?.link === null
          ? 'another program has changed the lines of Holdfast, so it stays: take them out by hand'
          : "no record says what of it is Holdfast's, so it stays: remove it by hand";
      const reason = `${why}; ${stays}`;
      return { ...finding, state: 'skipped', wanted: actual, reason };
    }
    return {
      ...finding,
      state: 'drifted',
      wanted,
      reason: `${why}: its files go back to what they were`,
      awaited: true,
    };
  }
}

/** The file without our part; undefined if others changed that part. */
async function before(original: OriginalFile, actual: string | null): Promise<string | null | undefined> {
  if (original.link !== null) return undefined;
  if (isOurs(original, actual)) return original.before;
  const { withoutOurs } = await import('../hold/originals/later-edits.ts');
  return withoutOurs(actual, original.before, original.after);
}

/**
 * Whether this host certainly has no such client. The programs of another root may lie elsewhere. Some of this waits
 * for the kernel (package-managers.ts).
 */
function isGone(host: Host, { program, isHere }: LeavingClient): boolean {
  if (!host.live || isHere(host)) return false;
  if (FOLDERS.some((folder) => host.lstat(`${folder}/${program}`) !== null)) return false;
  return !installsNow(host);
}
