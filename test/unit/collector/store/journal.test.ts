/** The collector's journal after a restart: rows whose beginning was pruned, and rows with a broken entry, cost no other host anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostState } from '../../../../agent/collector/hosts/host-state.ts';
import { readFrames } from '../../../../agent/collector/series/value-frames.ts';
import { ChunkJournal, replay } from '../../../../agent/collector/store/chunk-journal.ts';

const NOW = Date.UTC(2026, 0, 1);
const KINDS = ['FRAME', 'OPENED'] as const;

/** Writes one value of one series, as a heartbeat at `time` does. */
function beat(journal: ChunkJournal, host: HostState, time: number, value: number): void {
  const opens = !host.chunkOpen;
  const frame = host.append(time, { series: [7], values: [value] }, journal.number, NOW);
  journal.frame(host, Buffer.from(frame), opens, NOW);
}

/** Times and values of the chunk that a host has open. */
function open(host: HostState): [number, number | undefined][] {
  const found: [number, number | undefined][] = [];
  const chunk = host.peek();
  if (chunk !== null) readFrames(chunk.frames, (time, { values }) => found.push([time, values[0]]));
  return found;
}

const fresh = () => [new HostState(0, 'a', NOW), new HostState(1, 'b', NOW)] as const;

test('collector journal: frames are skipped if the beginning of their chunk was pruned, whatever their times', () => {
  const [a, b] = fresh();
  const pruned = new ChunkJournal(1);
  beat(pruned, a, NOW, 1);
  const kept = new ChunkJournal(2);
  beat(kept, a, NOW - 5_000, 2); // a clock that was set back: this frame's time is a negative difference
  beat(kept, a, NOW + 1_445, 3);
  a.close(); // complete, and stored as a chunk
  beat(kept, b, NOW, 4);
  beat(kept, a, NOW + 2_000, 5);

  const [nowA, nowB] = fresh();
  replay(2, kept.view(), (id) => [nowA, nowB][id]);
  assert.deepEqual(open(nowB), [[NOW, 4]]);
  assert.deepEqual(open(nowA), [[NOW + 2_000, 5]]);
});

for (const kind of KINDS) {
  test(`collector journal: a broken ${kind} entry of one host costs another host nothing, and is reported`, () => {
    const [a, b] = fresh();
    const journal = new ChunkJournal(1);
    beat(journal, a, NOW, 1);
    journal.frame(a, Buffer.from([0xff, 0xff]), kind === 'OPENED', NOW);
    beat(journal, a, NOW + 1_000, 2);
    beat(journal, b, NOW, 3);

    const [nowA, nowB] = fresh();
    assert.throws(() => replay(1, journal.view(), (id) => [nowA, nowB][id]));
    assert.deepEqual(open(nowB), [[NOW, 3]]);
    assert.deepEqual(open(nowA), [], 'no frame is counted from a broken one');
  });
}
