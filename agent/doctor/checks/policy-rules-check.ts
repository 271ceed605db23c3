/** Another program that removes rules, and tables to which no rule leads. */
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { networkdLeavesForeign } from '../networkd-conf.ts';

export function* policyRulesCheck({ host, desired, daemons, unled }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (desired === null) return;
  const networkd = daemons.get('systemd-network');
  const removes = networkd !== undefined && !networkdLeavesForeign(host, 'ManageForeignRoutingPolicyRules');
  if (desired.rules.length > 0 && removes) {
    yield {
      code: 'HF-RULES-NETWORKD',
      seen: `systemd-networkd[${networkd}] removes policy rules that it does not know when it starts (ManageForeignRoutingPolicyRules)`,
    };
  }
  for (const seen of unled) yield { code: 'HF-ROUTES-NO-RULE', seen };
}
