/** Containers of the real Podman and Docker: who depends on a server and who asked it has the container's name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { Askers, NOBODY, SERVER } from '../parts/lab/asker.ts';
import { ENGINES, engineOn } from '../parts/lab/engine.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const noLab = unavailable({ nft: 'nftables', perl: 'perl-base', busybox: 'busybox', iptables: 'iptables' });

/** `tense who` of each, without process ids. */
async function told(host: LabHost): Promise<string[]> {
  const { found } = JSON.parse((await host.agent('depends', '--json', SERVER)).stdout) as DependsAnswer;
  return found.map(({ tense, who }) => `${tense} ${who.replace(/\[\d+\]/, '')}`).sort();
}

for (const engine of ENGINES)
  test(`containers: ${engine.name}'s has its name as the holder of a copy, as an asker, and for its next start`, {
    skip: noLab || engine.missing,
  }, async () => {
    await using host = await LabHost.create();
    await using _ = await Askers.on(host);
    await host.write('/etc/resolv.conf', `nameserver ${SERVER}\n`);
    await host.write('/etc/holdfast/agent.yaml', `retire: [${SERVER}]\n`);
    await host.sh('agent apply');
    await using __ = await engineOn(host, engine);
    await host.sh(`${engine.run} --name web box:1 /bin/sleep 600`);
    await host.write('/etc/resolv.conf', `nameserver ${NOBODY}\n`);
    const named = `container web of ${engine.name}`;
    const copies = [`boot ${named} at its next start`, `now ${named} (sleep)`];
    assert.deepEqual(await told(host), copies);

    await host.run(['sh', '-c', `${engine.command} exec web /bin/nslookup a.example`]);
    assert.deepEqual(await told(host), [`asked ${named}`, ...copies]);
    await host.sh('nft flush ruleset; agent apply');

    await host.sh(`${engine.command} restart -t 0 web`);
    assert.deepEqual(await told(host), [], 'the engine copied the host’s file again');
  });
