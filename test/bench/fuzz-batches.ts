/** Hostile requests from a thread of their own, which draws the next batches while the last one is sent. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type FuzzRequest, fuzzRequests } from './fuzz-requests.ts';

/** Requests of one batch, and batches that are drawn beforehand. */
const SIZE = 500;
const AHEAD = 2;

export interface FuzzBatch {
  /** `fuzzRequests` draws the batch again from its seed. */
  readonly seed: number;
  readonly requests: readonly FuzzRequest[];
}

export interface FuzzBatches extends AsyncDisposable {
  next(): Promise<FuzzBatch>;
}

/** The seeds follow each other from the first one, a batch apart. */
export function fuzzBatches(first: number): FuzzBatches {
  const thread = new Worker(new URL(import.meta.url));
  const drawn: FuzzBatch[] = [];
  thread.on('message', (batch: FuzzBatch) => drawn.push(batch));
  let seed = first;
  const order = () => {
    thread.postMessage(seed);
    seed += SIZE;
  };
  for (let n = 0; n < AHEAD; n += 1) order();
  return {
    async next() {
      while (drawn.length === 0) await once(thread, 'message');
      order();
      return drawn.shift()!;
    },
    async [Symbol.asyncDispose]() {
      await thread.terminate();
    },
  };
}

if (!isMainThread) {
  parentPort!.on('message', (seed: number) => {
    const requests = fuzzRequests(SIZE, seed);
    const bodies = requests.map(({ body }) => body.buffer);
    parentPort!.postMessage({ seed, requests } satisfies FuzzBatch, bodies);
  });
}
