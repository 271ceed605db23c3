/** The tables that count are gone after `agent revert`, a purge and the .rpm's removal, also those of killed commands. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Askers, SERVER } from '../parts/lab/asker.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux' });
const OURS = ['holdfast_ledger', 'holdfast_retire', 'holdfast_watch', 'holdfast_rehearsal'];
const COMMANDS = {
  holdfast_watch: `depends --watch 60s ${SERVER}`,
  holdfast_rehearsal: `rehearse without ${SERVER} --for 60s`,
};
const WAYS = {
  'agent revert': 'agent revert',
  'a purge of the .deb': `sh ${join(REPOSITORY, 'packaging/deb/postrm')} purge`,
  'a removal of the .rpm': `sh ${join(REPOSITORY, 'packaging/rpm/postun')} 0`,
};

async function tables(host: LabHost): Promise<string[]> {
  return (await host.sh('nft list tables')).trim().split('\n').sort();
}

for (const [name, way] of Object.entries(WAYS))
  test(`tables: ${name} removes the ledger's and those of commands that kill -9 ended, and no other`, {
    skip,
  }, async () => {
    await using host = await LabHost.create();
    await using _ = await Askers.on(host);
    await host.sh('nft add table inet other; nft add table inet holdfast_of_another');
    await host.write('/etc/holdfast/agent.yaml', `ledger: always\nretire: [${SERVER}]\n`);
    await host.sh('agent apply');
    for (const [table, command] of Object.entries(COMMANDS)) {
      const child = host.spawn(['sh', '-c', `echo $$ >/run/lab/pid; exec agent ${command}`]);
      const ended = once(child, 'close');
      await host.sh(`until nft list table inet ${table} >/dev/null 2>&1; do :; done; kill -9 $(cat /run/lab/pid)`);
      await ended;
    }
    const others = ['table inet holdfast_of_another', 'table inet other'];
    assert.deepEqual(await tables(host), [...OURS.map((table) => `table inet ${table}`), ...others].sort());
    const said = await host.sh(way);
    assert.deepEqual(await tables(host), others);
    if (way !== 'agent revert') return;
    for (const table of OURS) assert.match(said, new RegExp(`nftables table inet ${table}\\b`));
    assert.match(await host.sh('agent revert'), /^Nothing to put back/);
  });
