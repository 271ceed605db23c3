/** Holdfast itself is a program of Node: its daemon is no holder, and a Node program beside it is, however the agent runs. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { isCurrent } from '../../packaging/build.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { NEEDED, NEW, nameEverywhere, OLD, prepare, start } from '../parts/lab/keepers.ts';
import { AGENT } from '../systems/machine.ts';

const skip = unavailable(NEEDED);
const unbuilt =
  existsSync(AGENT) && (await isCurrent(AGENT)) ? false : `needs ${AGENT} of these sources: npm run build`;

for (const [name, agent, why] of [
  ['the sources', undefined, skip],
  ['the executable', AGENT, skip || unbuilt],
] as const)
  test(`depends: run from ${name}, the daemon is no holder, and a Node program beside it is`, {
    skip: why,
  }, async () => {
    const before = process.env.HOLDFAST_AGENT;
    if (agent !== undefined) process.env.HOLDFAST_AGENT = agent;
    await using host = await LabHost.create().finally(() => {
      if (before === undefined) delete process.env.HOLDFAST_AGENT;
      else process.env.HOLDFAST_AGENT = before;
    });
    await prepare(host);
    await host.write('/etc/holdfast/agent.yaml', 'hold: nothing\n');
    const daemon = await RunningAgent.start(host);
    await start(host, 'node');
    await nameEverywhere(host, NEW);
    const { stdout } = await host.agent('depends', '--json', OLD);
    const { found } = JSON.parse(stdout) as DependsAnswer;
    const holders = found.filter(({ tense }) => tense === 'holder').map(({ who }) => who.replace(/\[\d+\]/, ''));
    assert.deepEqual(holders, ['node']);
    assert.equal(await daemon.stop(), 0);
  });
