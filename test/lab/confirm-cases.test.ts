/** Each change that cuts a host off is put back in time, byte for byte and route for route; good changes stay. */
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { familiesText, TRIAL_CASES } from '../parts/lab/trial-cases.ts';
import { tryChange } from '../parts/lab/try-change.ts';

const skip = unavailable({ nft: 'nftables', openssl: 'openssl', curl: 'curl' });

test('confirm: each change on trial ends as it must, and nothing else is other than before', {
  skip,
  concurrency: 3,
}, async (t) => {
  await Promise.all(
    TRIAL_CASES.map((one) =>
      t.test(`${one.what} (${familiesText(one)}): ${one.ends}`, async (t) => {
        const { seconds, cutOff } = await tryChange(one);
        t.diagnostic(`${seconds.toFixed(1)} s; cut off: ${cutOff ?? 'not'}`);
      }),
    ),
  );
});
