/** The parts of dhclient.conf that keep Holdfast from editing the file, or that Holdfast cannot see. */
import { confFiles } from '../../clients/dhclient/conf/conf-files.ts';
import { parseConf, type Statement } from '../../clients/dhclient/conf/grammar/grammar.ts';
import { requiredUnasked } from '../../clients/dhclient/required.ts';
import { dhcpClients } from '../../clients/dhclient/running.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* dhclientConfCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  for (const file of confFiles(host, dhcpClients(host))) {
    const text = host.readText(file);
    if (text === null) continue;
    const { problems, statements } = parseConf(text);
    const required = desired === null ? [] : requiredUnasked(host, file, text, desired.dhclient);
    for (const seen of required) yield { code: 'HF-CONF-REQUIRE', seen };
    for (const { line, message } of problems) yield { code: 'HF-CONF-SYNTAX', seen: `${file}:${line}: ${message}` };
    for (const { line, name } of includes(statements)) {
      const seen = `${file}:${line}: include "${name}"`;
      // dhclient opens the path from its own working directory, which is usually /.
      const there = name?.startsWith('/') ? host.stat(name) !== null : true;
      yield there
        ? { code: 'HF-CONF-INCLUDE', seen }
        : { code: 'HF-CONF-INCLUDE', seen: `${seen}, which does not exist`, severity: 'problem' };
    }
  }
}

function includes(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((one) => [...(one.kind === 'include' ? [one] : []), ...includes(one.body)]);
}
