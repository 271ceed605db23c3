/** Waits, on an emulated processor, for things that send no signal to the test. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 900_000;

/** Waits until the result is not null. Throws, with `what`, if that never happens. */
export async function eventually<T>(look: () => Promise<T | null>, what: string): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    assert.ok(Date.now() < deadline, `in time: ${what}`);
    await pause(1_000);
  }
}
