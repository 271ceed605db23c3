/** Makes routes again exactly what they were, from the bytes with which the kernel reported them. */
import { getSystemErrorName } from 'node:util';
import { FLAG, MESSAGE } from '../message-layout.ts';
import { changeEach } from '../request.ts';
import type { NetlinkSocket } from '../socket.ts';
import { keyText, type RouteKey } from './route-key.ts';
import type { SeenRoute } from './seen-route.ts';

/** A route as a record keeps it. */
export interface KeptRoute extends RouteKey {
  /** The body of the message that makes it, in hexadecimal. */
  readonly body: string;
}

export function keptRoute({ family, destination, table, metric, body }: SeenRoute): KeptRoute {
  return { family, destination, table, metric, body: body.toString('hex') };
}

/**
 * `before` and `now`: all routes of the same keys. A route of ours that replaced another one is replaced in one step,
 * so that every packet finds a route. Only routes that `isOurs` accepts are taken away. Returns what the kernel
 * refused, and the routes that another program has made meanwhile. Throws NetlinkError.
 */
export async function restoreRoutes(
  socket: NetlinkSocket,
  before: readonly KeptRoute[],
  now: readonly SeenRoute[],
  isOurs: (route: SeenRoute) => boolean,
  signal: AbortSignal,
): Promise<string[]> {
  const known = new Set(before.map(({ body }) => body));
  const there = new Set(now.map((route) => route.body.toString('hex')));
  const extra = now.filter((route) => !known.has(route.body.toString('hex')));
  const missing = before.filter(({ body }) => !there.has(body));
  const ours = extra.filter(isOurs);
  const inPlace = new Set(ours.map(keyText));
  const foreign = extra.filter((route) => !isOurs(route)).map(keyText);
  const lost = missing.filter((route) => !foreign.includes(keyText(route)));
  const put = (route: KeptRoute) => {
    const flags = FLAG.create | (inPlace.has(keyText(route)) ? FLAG.replace : FLAG.append);
    return { type: MESSAGE.newRoute, flags, body: [Buffer.from(route.body, 'hex')] };
  };
  const first = await changeEach(socket, lost, put, signal);
  const refused = lost.filter((_, nth) => first[nth] !== 0);
  // A route of ours stays if a lost route has its key. The lost route has replaced it, or the kernel refused that, as after
  // a lease with another gateway.
  const keysOfLost = new Set(lost.map(keyText));
  const gone = ours.filter((route) => !keysOfLost.has(keyText(route)));
  const take = (route: SeenRoute) => ({ type: MESSAGE.deleteRoute, flags: 0, body: [route.body] });
  await changeEach(socket, gone, take, signal);
  // A gateway may only be reached again by a route that came back after it.
  const second = await changeEach(socket, refused, put, signal);
  return [
    ...refused.flatMap((route, nth) =>
      second[nth] === 0 ? [] : [`the kernel refuses ${keyText(route)} (${getSystemErrorName(-second[nth]!)})`],
    ),
    ...foreign.map((key) => `another program has made ${key} since, so it stays`),
  ];
}
