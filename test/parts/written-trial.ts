import { type TrialRecord, writeTrial } from '../../agent/confirm/trial/trial-record.ts';
import { markBoot } from '../../agent/host/boot-mark.ts';
import type { Host } from '../../agent/host/host.ts';
import { sinceBoot } from '../../agent/host/process/processes.ts';

/** Writes the record of a trial of this process. Its change was just made, and its witnesses have a minute. */
export function writtenTrial(host: Host, more: Partial<TrialRecord> = {}): TrialRecord {
  const now = sinceBoot();
  const trial: TrialRecord = {
    ...{ id: '3f9c12ab', hash: 'a'.repeat(64), resources: ['routes'], path: false, names: false, by: 'local' },
    ...{ before: [], gateways: '' },
    ...{ pid: process.pid, birth: host.birthOf(process.pid), boot: markBoot(host) },
    ...{ begun: now, changed: now, deadline: now + 60_000 },
    ...more,
  };
  writeTrial(host, trial);
  return trial;
}
