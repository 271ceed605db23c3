/** Waiting, on an emulated processor, for what a test cannot be told of. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 900_000;

/** Until it gives something that is not null; throws, with `what`, where that never comes. */
export async function eventually<T>(look: () => Promise<T | null>, what: string): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    assert.ok(Date.now() < deadline, `in time: ${what}`);
    await pause(1_000);
  }
}
