/** The probe `egress` on hosts whose gateways are learned by BGP, from FRR and BIRD, with real flows beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Occurrence, Sample } from '../../probes/probe.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { Flows } from '../parts/lab/flows.ts';
import { BGP_PARTS, defaultOf, hostWithGateways, wire } from '../parts/lab/gateways.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable(BGP_PARTS);
const FLOWS = 64;

interface Seen {
  readonly samples: readonly Sample[];
  readonly conditions: readonly Condition[];
  readonly events: readonly Occurrence[];
}

async function probe(host: LabHost): Promise<Seen> {
  const { code, stdout, stderr } = await host.agent('probe', 'egress', '--json');
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout).probes[0];
}

/** By gateway. */
function shares({ samples }: Seen, family: string, flows: string): Record<string, number> {
  const some = samples.filter(({ metric, attributes }) => {
    return metric.endsWith('egress.share') && attributes['network.type'] === family && attributes.flows === flows;
  });
  return Object.fromEntries(some.map(({ attributes, value }) => [attributes.gateway, value]));
}

const codes = ({ conditions }: Seen) => conditions.map(({ code }) => code).sort();
const near = (share: number | undefined, wanted: number) => assert.ok(Math.abs(share! - wanted) < 0.16, String(share));

for (const own of ['bird', 'frr'] as const) {
  test(`egress: the probe sees two gateways learned by ${own}, and flows that move when one is cut off`, {
    skip,
  }, async (t) => {
    await using scene = await hostWithGateways(own);
    const { host, gateways } = scene;
    await host.write('/etc/holdfast/agent.yaml', 'probes: { canary: { interval: 0s } }\n');

    await t.test('by addresses, as the kernel has it at first: all between two of them takes one gateway', async () => {
      const seen = await probe(host);
      for (const family of ['ipv4', 'ipv6']) {
        for (const share of Object.values(shares(seen, family, 'destinations'))) near(share, 0.5);
        assert.deepEqual(Object.values(shares(seen, family, 'connections')).sort(), [0, 1]);
      }
      assert.deepEqual(codes(seen), ['egress-hash-addresses', 'egress-hash-addresses']);
      const people = await host.agent('probe', 'egress');
      assert.match(
        people.stdout,
        /^ {2}IPv4 +10\.88\.0\.1 on eth0 +(bgp|bird) +\w+ +1 +\d+ % of 50 % +\d+ % of 50 % +–$/m,
      );
    });

    await host.sh('sysctl -qw net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1');
    await t.test('by ports, too', async () => {
      const seen = await probe(host);
      for (const family of ['ipv4', 'ipv6'])
        for (const flows of ['destinations', 'connections'])
          for (const share of Object.values(shares(seen, family, flows))) near(share, 0.5);
      assert.deepEqual(codes(seen), []);
    });

    await t.test('one is cut off: its flows move, and no other loses a packet', async (t) => {
      for (const gateway of gateways) await gateway.echo();
      const agent = await RunningAgent.start(host);
      const flows = await Flows.start(host, FLOWS);
      await sleep(1000);
      const cut = Date.now();
      await gateways[1]!.cut();
      await defaultOf(host, 1);
      const event = await changed(agent, 'ipv4');
      assert.equal(event.lost, `${wire(1).gateway} on eth1`);
      assert.equal(event.gateways, 1);
      assert.ok(Number(event.moved) > 64 && Number(event.moved) < 192, event.msg);
      assert.deepEqual([event.needless, event.stranded], [0, 0]);
      const seen = await flows.stop();

      assert.equal(seen.length, FLOWS);
      const moved = seen.filter(({ gateways }) => gateways[0] === 'gw1');
      assert.ok(moved.length > 0 && moved.length < FLOWS, `${moved.length} of ${FLOWS} took the one that was cut off`);
      for (const flow of moved) {
        assert.deepEqual(flow.gateways, ['gw1', 'gw0']);
        assert.ok(flow.lost.length > 0 && flow.lost.every((time) => time >= cut - 100));
      }
      for (const flow of seen.filter((flow) => !moved.includes(flow))) {
        assert.deepEqual(flow, { gateways: ['gw0'], lost: [] });
      }
      const last = Math.max(...moved.flatMap(({ lost }) => lost));
      t.diagnostic(
        `${moved.length} of ${FLOWS} flows moved after ${last - cut} ms; the agent told of it ${Date.parse(String(event.time)) - cut} ms after the cut`,
      );

      await gateways[1]!.mend();
      await defaultOf(host, 2);
      const back = await changed(agent, 'ipv4');
      assert.match(String(back.gained), /10\.88\.1\.1 on eth1/);
      assert.deepEqual([back.gateways, back.needless], [2, 0]);
      await agent.stop();
    });
  });
}

async function changed(agent: RunningAgent, family: string) {
  for (;;) {
    const event = await agent.event('holdfast.egress.changed');
    if (event['network.type'] === family) return event;
  }
}
