/**
 * Runs in a network namespace of its own: fills a memory cgroup with routes, reads the canary in it and outside of it, and
 * prints what came of it as one line of JSON. Only one thread is ever in the cgroup (cgroup v1 lets single threads in):
 * to the cgroup of the thread the kernel charges what its system calls take, but to that of the main thread the pages of
 * the process. So routes are refused while Node has all that it needs to tell.
 *   node canary-memory-inside.ts CGROUP
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Host } from '../../../agent/host/host.ts';
import { attribute, FAMILY, FLAG, MESSAGE } from '../../../agent/host/netlink/message-layout.ts';
import { change, type RouteChange } from '../../../agent/host/netlink/request.ts';
import { RTMSG } from '../../../agent/host/netlink/routes/rtmsg.ts';
import { NetlinkSocket } from '../../../agent/host/netlink/socket.ts';
import { MAIN_TABLE } from '../../../agent/host/netlink/table-names.ts';
import { canaryProbe } from '../../../probes/canary-probe.ts';
import type { Reading } from '../../../probes/probe.ts';

/** What the thread in the cgroup tells. */
export interface Inside {
  /** Those that it took to fill the cgroup. */
  readonly routes: number;
  /** The error numbers of those that were then tried, none of which went in. */
  readonly refused: readonly number[];
  readonly readings: readonly Reading[];
}

export interface Outcome {
  readonly before: readonly Reading[];
  readonly inside: Inside;
  /** What the main thread, which is outside the cgroup, does while the cgroup is full. */
  readonly outside: readonly Reading[];
}

/** Routes in one datagram. */
const BATCH = 64;
const RTN_BLACKHOLE = 6;
const RTA_DST = 1;
const cgroup = process.argv[2]!;
const canary = canaryProbe(new Host());
const read = () => canary.read(AbortSignal.timeout(60_000));

if (isMainThread) await main();
else await enter();

async function main(): Promise<void> {
  // The parent is gone, or no longer waits. exit() would wait for the thread.
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  const before = await read();
  const worker = new Worker(import.meta.filename, { argv: [cgroup] });
  const exit = once(worker, 'exit');
  const [inside] = (await once(worker, 'message')) as [Inside];
  await exit;
  const outcome: Outcome = { before, inside, outside: await read() };
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit());
}

async function enter(): Promise<void> {
  await read(); // with all that it needs loaded, and its socket open, as in a daemon whose cgroup fills up later
  using socket = await NetlinkSocket.open();
  writeFileSync(join(cgroup, 'tasks'), '0');
  const [routes, refused] = await fill(socket);
  const readings = await read();
  writeFileSync(join(cgroup, '../tasks'), '0');
  const found: Inside = { routes, refused, readings };
  parentPort!.postMessage(found);
  await canary.close!();
}

async function fill(socket: NetlinkSocket): Promise<[number, number[]]> {
  for (let tried = 0, added = 0; ; tried += BATCH) {
    const errnos = await change(socket, blackholes(tried), AbortSignal.timeout(60_000));
    const refused = errnos.filter((errno) => errno !== 0);
    if (refused.length === BATCH) return [added, refused];
    added += BATCH - refused.length;
  }
}

/** 10.0.0.0/24 and so on, from the one of that number. */
function blackholes(first: number): RouteChange[] {
  return Array.from({ length: BATCH }, (_, n) => {
    const rtmsg = Buffer.alloc(RTMSG.size);
    rtmsg[RTMSG.family] = FAMILY.ipv4;
    rtmsg[RTMSG.destinationLength] = 24;
    rtmsg[RTMSG.table] = MAIN_TABLE;
    rtmsg[RTMSG.type] = RTN_BLACKHOLE;
    const destination = Buffer.from([10, (first + n) >> 8, (first + n) & 0xff, 0]);
    const body = [rtmsg, attribute(RTA_DST, destination)];
    return { type: MESSAGE.newRoute, flags: FLAG.create | FLAG.exclusive, body };
  });
}
