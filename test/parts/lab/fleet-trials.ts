/**
 * The same change on trial on many agents of one collector, which lives, falls silent or is killed. The agents are the real
 * witnesses and the real judgement, many in one process.
 */
import type { ConfirmScene, JudgedFleet } from './confirm-scene.ts';

/** 1,000 need a machine that does nothing else, because an agent without processor time hears no witness. */
export const AGENTS = Number(process.env.AGENTS ?? 100);
/** Milliseconds. */
const WITHIN = 40_000;

const SILENCE =
  'ip netns exec mid nft add chain inet t cut "{ type filter hook forward priority 0; policy drop; }"; ip route del 192.0.2.0/24';
const SPEECH = 'ip netns exec mid nft delete chain inet t cut';
const KILL = 'kill -9 $(cat /run/lab/collector.pid); ip route add 10.61.0.0/16 via 10.60.1.1 mtu 1400';

export interface FleetTrial {
  readonly what: string;
  prepare?(scene: ConfirmScene): Promise<unknown>;
  /** A script on the host of all agents. */
  readonly change: string;
  readonly after?: string;
  /** The judgement of each agent that the collector knew before; of every agent, if it is `provisional`. */
  readonly ends: 'confirmed' | 'provisional' | 'put-back';
}

/** One after another, in one scene whose collector runs. */
export const FLEET_TRIALS: readonly FleetTrial[] = [
  { what: 'a good change', change: 'ip route add 192.0.2.0/24 via 10.60.0.1', ends: 'confirmed' },
  {
    what: 'a good change, and all packets to the collector are dropped',
    change: SILENCE,
    after: SPEECH,
    ends: 'provisional',
  },
  {
    what: 'a good change, and the collector is killed',
    change: KILL,
    after: 'ip route del 10.61.0.0/16',
    ends: 'provisional',
  },
  {
    what: 'the control: a route that leads the packets of the collector nowhere',
    prepare: (scene) => scene.collector(),
    change: 'ip route add 10.61.0.0/16 via 10.60.1.77',
    ends: 'put-back',
  },
];

export async function tryFleet(scene: ConfirmScene, { prepare, change, after }: FleetTrial): Promise<JudgedFleet> {
  await prepare?.(scene);
  const judged = await scene.fleet(AGENTS, change, WITHIN);
  if (after !== undefined) await scene.host.sh(after);
  return judged;
}
