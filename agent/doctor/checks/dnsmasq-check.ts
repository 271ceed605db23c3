/** Whether the running dnsmasq has read the present file, and whether the clients that it sends to this host get answers. */
import { dnsmasqReaders } from '../../resources/dnsmasq/readers.ts';
import { unanswered } from '../../resources/dnsmasq/unanswered.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* dnsmasqCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  const dnsmasq = desired?.dnsmasq ?? null;
  if (dnsmasq === null || !host.live || host.stat(dnsmasq.file) === null) return;
  const { file } = dnsmasq;
  const readers = dnsmasqReaders(host, file);
  if (readers.length === 0) yield { code: 'HF-DNSMASQ-UNREAD', seen: `no dnsmasq runs that reads ${file}` };
  for (const { pid, isStale } of readers) {
    if (isStale) yield { code: 'HF-DNSMASQ-STALE', seen: `dnsmasq[${pid}] started before ${file} was written` };
  }
  const silent = dnsmasq.dns ? unanswered(dnsmasq, desired?.dns ?? null) : null;
  if (silent !== null) yield { code: 'HF-DNSMASQ-SILENT', seen: silent };
}
