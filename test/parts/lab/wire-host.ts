/** A host that reports the test's values, by the agent's own reporter. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DesiredReport } from '../../../agent/config/desired-daemon.ts';
import type { Identity } from '../../../agent/report/identity.ts';
import { Reporter } from '../../../agent/report/reporter.ts';
import type { Occurrence } from '../../../probes/probe.ts';

export class ReportingHost {
  readonly name: string;
  readonly identity: Identity;
  readonly reporter: Reporter;
  /** What it says of failed deliveries. */
  readonly troubles: string[] = [];

  constructor(folder: string, name: string, desired: DesiredReport) {
    this.name = name;
    const hostId = Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32);
    const resource = {
      'service.name': 'holdfast',
      'service.version': '1.2.3',
      'service.instance.id': `instance-of-${name}`,
      'host.name': name,
      'host.id': hostId,
      'holdfast.config.hash': 'abc',
    };
    this.identity = { hostId, beatSeed: hostId, resource };
    const spoolFolder = join(folder, `spool-${name}`);
    mkdirSync(spoolFolder);
    const log = ({ severity, body }: Occurrence) => severity === 'info' || this.troubles.push(body);
    this.reporter = new Reporter({ desired, identity: this.identity, spoolFolder, log });
    this.reporter.start();
  }
}
