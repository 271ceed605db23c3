/** The receiver reads one long request of a sender at a time, and everything else in between. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { Committer } from '../../../../agent/collector/fleet/committer.ts';
import type { Fleet } from '../../../../agent/collector/fleet/fleet.ts';
import { Receiver } from '../../../../agent/collector/fleet/receiver.ts';
import { event } from '../../../parts/collector-wire.ts';

const LONG = Buffer.from(event('a', '1', { body: 'x'.repeat(60_000) }));
const SHORT = Buffer.from(event('a', '1'));

/** The receiver of a fleet that only notes the sender of each request. */
function receiver(taken: string[]): { receive: (body: Buffer, from: string) => Promise<number> } {
  const fleet = {
    note: (_resource: unknown, _records: unknown, _now: number, sender: string) => taken.push(sender) && 0,
  };
  const committed = { ...fleet, commit: () => {} } as unknown as Fleet;
  const made = new Receiver(committed, new Committer(committed, () => {}));
  return {
    receive: async (body, from) => {
      const headers = { 'content-type': 'application/x-protobuf' };
      const request = Object.assign(Readable.from([body]), {
        method: 'POST',
        headers,
        socket: { remoteAddress: from },
      });
      let status = 0;
      const response = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
        writeHead(code: number) {
          status = code;
          return this;
        },
      });
      await made.receive('logs', request as unknown as IncomingMessage, response as unknown as ServerResponse);
      return status;
    },
  };
}

test('receiver: long requests of one sender leave room for the short and the long requests of others', async () => {
  const taken: string[] = [];
  const { receive } = receiver(taken);
  const long = Array.from({ length: 20 }, () => receive(LONG, '192.0.2.1'));
  const others = [receive(LONG, '192.0.2.2'), receive(SHORT, '192.0.2.3')];
  assert.deepEqual(new Set(await Promise.all([...long, ...others])), new Set([200]));
  assert.ok(taken.indexOf('192.0.2.2') < 5, `${taken}`);
  assert.ok(taken.indexOf('192.0.2.3') < 5, `${taken}`);
});

test('receiver: a sender with 64 long requests under way must come again later, and no other sender must', async () => {
  const taken: string[] = [];
  const { receive } = receiver(taken);
  const long = Array.from({ length: 70 }, () => receive(LONG, '192.0.2.1'));
  const answers = await Promise.all([...long, receive(LONG, '192.0.2.2')]);
  assert.equal(answers.filter((status) => status === 503).length, 6);
  assert.equal(answers.at(-1), 200);
  assert.equal(taken.length, 65);
});
