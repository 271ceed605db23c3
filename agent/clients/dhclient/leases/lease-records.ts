/** The exit hook's records of each interface's last lease event (agent/clients/dhclient/hooks/hook-texts.ts). */
import type { Host } from '../../../host/host.ts';
import { RUN_FOLDER } from '../../../host/paths.ts';

export interface LeaseRecord {
  readonly interface: string;
  readonly family: 4 | 6;
  /** BOUND, RENEW, EXPIRE6 … (dhclient-script(8)). */
  readonly reason: string;
  /** The pid of the dhclient that ran the hook. */
  readonly pid: number;
  /** When the hook wrote the record: milliseconds since the epoch. */
  readonly time: number;
  /**
   * The server's values, or the values that dhclient's configuration put in their place. The keys are
   * dhclient-script's names without `new_`. null if the value had control characters.
   */
  readonly offered: ReadonlyMap<string, string | null>;
}

/** Skips records that cannot be read, and records that our hook has not written. */
export function leaseRecords(host: Host): LeaseRecord[] {
  return host
    .list(RUN_FOLDER)
    .filter((name) => /^lease6?\../.test(name))
    .flatMap((name) => readRecord(host, `${RUN_FOLDER}/${name}`, name) ?? []);
}

function readRecord(host: Host, path: string, name: string): LeaseRecord | null {
  const stats = host.lstat(path);
  const record = stats?.isFile() ? parseLeaseRecord(host.readText(path) ?? '', stats.mtimeMs) : null;
  // The hook chooses the file name. A record with another interface in it is not the hook's.
  return record !== null && name === `lease${record.family === 6 ? '6' : ''}.${record.interface}` ? record : null;
}

/** One line of `name=value` separated by tabs. @param time milliseconds since the epoch. */
export function parseLeaseRecord(text: string, time: number): LeaseRecord | null {
  const line = text.split('\n')[0] ?? '';
  const fields = new Map(
    line.split('\t').map((field) => {
      const at = field.indexOf('=');
      return at === -1 ? ['', field] : [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  const reason = fields.get('reason') ?? '';
  const iface = fields.get('interface') ?? '';
  const pid = Number(fields.get('pid'));
  if (!/^[A-Z]+[46]?$/.test(reason) || iface === '' || !Number.isSafeInteger(pid)) return null;
  for (const name of ['reason', 'interface', 'pid', '']) fields.delete(name);
  const offered = new Map([...fields].map(([name, value]) => [name, value === '?' ? null : value]));
  return { interface: iface, family: reason.endsWith('6') ? 6 : 4, reason, pid, time, offered };
}
