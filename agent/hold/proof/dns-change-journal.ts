/** The journal of a change of DNS, until it is proved (journal/change-journal.ts), and the file of the proof. */
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { ChangeJournal, type WayBack } from '../journal/change-journal.ts';

export const DNS_CHANGE_JOURNAL = `${STATE_FOLDER}/dns-change`;

/** The proved settings. As long as these are wanted, putting DNS right again needs no other proof (proof.ts). */
export const PROVED = `${STATE_FOLDER}/dns-proved`;

/** The journal of a change of DNS. In memory it is lost only in a power cut, and the name servers were asked before. */
export function dnsChangeJournal(host: Host, wayBack: () => Promise<WayBack>): ChangeJournal {
  const damaged =
    'an unfinished change of DNS cannot be put back; check resolv.conf, the hooks and dhclient.conf, then remove that file';
  return new ChangeJournal(host, { path: DNS_CHANGE_JOURNAL, memory: true, damaged }, wayBack);
}
