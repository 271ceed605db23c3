/** holdfast-generator gives the service the groups that may ask routing daemons, and none that does not exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';
import { noNamespaces, privately, scratch } from '../parts/scratch.ts';

const skip = noNamespaces();

for (const [what, group, expected] of [
  [
    'FRR and BIRD',
    'root:x:0:\nbird:x:105:\nfrrvty:x:115:frr\nfrr:x:116:\n',
    '[Service]\nSupplementaryGroups=bird frrvty\n',
  ],
  ['FRR', 'root:x:0:\nfrrvty:x:115:frr\n', '[Service]\nSupplementaryGroups=frrvty\n'],
  ['neither', 'root:x:0:\nnotbird:x:105:bird\nbirds:x:106:\n', null],
] as const) {
  test(`generator: the groups of a host with ${what}`, { skip }, (t) => {
    const folder = scratch(t, { group });
    const script = `mount --bind ${folder}/group /etc/group; sh ${REPOSITORY}/units/holdfast-generator ${folder}/out`;
    assert.equal(privately(script).status, 0);
    const file = join(folder, 'out/holdfast.service.d/50-routing-daemons.conf');
    assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : null, expected);
    // test/systems/service.test.ts deletes a group.
    const look = join(folder, 'out/holdfast.service.wants/holdfast-groups.service');
    assert.equal(existsSync(look), expected !== null);
    if (expected === null) return;
    assert.match(readFileSync(look, 'utf8'), new RegExp(`for group in ${expected.trim().replace(/^.*=/s, '')};`));
  });
}
