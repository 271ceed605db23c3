/** Each client and event that is rehearsed and then made to happen: for the lab's tests, and for the table in the documents. */
import { dhcpcdHost } from './dhcpcd.ts';
import { DHCPCD_EVENTS, DHCPCD_WAYS } from './dhcpcd-events.ts';
import { cameTrue, type Foretold, foretell, foretellBoot } from './foretell.ts';
import type { LabHost } from './host.ts';

export interface RehearsalCase {
  readonly client: string;
  /** As `--reason` names it, or `boot`. */
  readonly event: string;
  /** How the wanted servers came to the host. */
  readonly way: string;
  readonly isHeld: boolean;
  /** Whether the client gives its address up at this event. */
  readonly givesUp: boolean;
  /** Rehearses the event, and makes it happen. Throws if the host is then other than foretold. */
  run(): Promise<Foretold>;
}

export const REHEARSAL_CASES: readonly RehearsalCase[] = Object.entries(DHCPCD_WAYS).flatMap(([way, prepare]) =>
  Object.entries(DHCPCD_EVENTS).map(([event, { dhcp, givesUp, happen }]) => ({
    client: 'dhcpcd',
    event,
    way,
    isHeld: prepare === DHCPCD_WAYS['held by Holdfast'],
    givesUp,
    async run() {
      await using scene = await dhcpcdHost(dhcp);
      await prepare(scene.host);
      const foretold = await foretellOne(scene.host, event);
      await happen(scene);
      await cameTrue(scene.host, foretold);
      return foretold;
    },
  })),
);

const foretellOne = (host: LabHost, event: string) => (event === 'boot' ? foretellBoot(host) : foretell(host, event));
