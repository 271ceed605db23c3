/** Rehearses every event of a client beside the real one, and compares the rehearsals with what a test expects. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { REHEARSAL_CASES, type RehearsalCase } from './rehearsal-cases.ts';
import { nameservers } from './scene.ts';

interface ExpectedRehearsal {
  /** Default: whether Holdfast holds the servers. */
  readonly asWanted?: boolean;
  /** The name servers in the rehearsed resolv.conf. Default: not compared. */
  readonly servers?: readonly string[];
  /** Addresses after the event. Default: 1, or 0 if the client gives it up. */
  readonly addresses?: number;
}

export async function eventsAreForetold(
  t: TestContext,
  client: string,
  expected: (one: RehearsalCase) => ExpectedRehearsal,
  /** Default: all. `npm run rehearsals` plays the others. */
  events?: readonly string[],
): Promise<void> {
  const cases = REHEARSAL_CASES.filter(
    (one) => one.client === client && (events === undefined || events.includes(one.event)),
  );
  assert.notEqual(cases.length, 0, `no rehearsal of ${client}`);
  await Promise.all(
    cases.map((one) =>
      t.test(`${one.event}, ${one.way}`, async () => {
        const foretold = await one.run();
        const { asWanted = one.isHeld, servers, addresses = one.givesUp ? 0 : 1 } = expected(one);
        assert.equal(foretold.code, asWanted ? 0 : 2, foretold.problems.join('\n'));
        assert.equal(foretold.addresses.after.length, addresses);
        if (servers !== undefined) assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), servers);
      }),
    ),
  );
}
