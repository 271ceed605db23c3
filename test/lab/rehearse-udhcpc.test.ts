/** Each rehearsal of udhcpc foretells what the real event makes of the host: real udhcpc, real servers, both outcomes compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { apply, NEW, OLD } from '../parts/lab/scene.ts';
import { noUdhcpc } from '../parts/lab/udhcpc.ts';
import { udhcpcScene } from '../parts/lab/udhcpc-events.ts';

const options = { skip: noUdhcpc, concurrency: 4 };

test('rehearse: udhcpc’s next event is foretold', options, async (t) => {
  await eventsAreForetold(t, 'udhcpc', ({ isHeld, givesUp }) => ({
    // At the loss of a lease the script leaves resolv.conf as it is.
    servers: isHeld || givesUp ? NEW : OLD,
  }));
});

test(
  'rehearse: without a recorded lease of udhcpc, and for a reload, the command says why it plays nothing',
  options,
  async () => {
    await using scene = await udhcpcScene({ lease: 600 });
    const { host, client } = scene;
    const before = await host.agent('rehearse', 'lease');
    assert.equal(before.code, 4, before.stdout);
    assert.match(before.stderr, /udhcpc\[\d+\] on eth0 records no lease itself.*they record the next renewal/);
    await apply(host);
    await client.renew();
    const { stdout } = await host.agent('rehearse', 'lease', '--reason', 'RENEW', 'RELOAD', '--json');
    const [one] = JSON.parse(stdout).interfaces;
    assert.equal(one.client, 'udhcpc');
    assert.deepEqual(one.skipped, [
      'RELOAD: udhcpc reads no configuration: its script reads /etc/udhcpc/udhcpc.conf at each event',
    ]);
    assert.equal(one.rehearsals.length, 1);
  },
);
