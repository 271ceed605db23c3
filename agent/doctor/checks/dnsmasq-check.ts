/** Whether the running dnsmasq has read the present file. */
import { dnsmasqReaders } from '../../resources/dnsmasq/readers.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* dnsmasqCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  const file = desired?.dnsmasq?.file;
  if (file === undefined || !host.live || host.stat(file) === null) return;
  const readers = dnsmasqReaders(host, file);
  if (readers.length === 0) yield { code: 'HF-DNSMASQ-UNREAD', seen: `no dnsmasq runs that reads ${file}` };
  for (const { pid, isStale } of readers) {
    if (isStale) yield { code: 'HF-DNSMASQ-STALE', seen: `dnsmasq[${pid}] started before ${file} was written` };
  }
}
