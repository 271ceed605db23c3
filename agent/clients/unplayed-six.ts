/** The notes of a stage without DHCPv6 about a client's lease of DHCPv6. */
import type { StagePlan } from './stage-plan.ts';

/** `leased`: whether the client has a DHCPv6 lease of this interface. */
export function unplayedSix(
  program: string,
  iface: string,
  leased: boolean,
): Required<Pick<StagePlan, 'cannot' | 'notes'>> {
  if (!leased) return { cannot: {}, notes: [] };
  const six = `${program} has a DHCPv6 lease of ${iface}, and the stage has neither DHCPv6 nor router advertisements: their name servers and addresses are missing`;
  return { cannot: { RENEW6: six, REBIND6: six, EXPIRE6: six }, notes: [six] };
}
