/** Makes a change on trial, with a real collector, and looks at what becomes of the host. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { COLLECTOR_NAME, ConfirmScene } from './confirm-scene.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';
import { OutsideView, placeIn } from './outside-view.ts';
import type { TrialCase } from './trial-cases.ts';
import { CONFIGURATION, everything } from './trial-scene.ts';

/** Seconds. */
export const WITHIN = 10;
const TRIAL = '/var/lib/holdfast/trial';
/** Where the collector's side reaches this host, and the host behind it; and the ports of the view. */
const HOST = { ipv4: '10.60.0.2', ipv6: 'fd60::2' };
const BEHIND = '10.60.7.2';
const NEAR_PORT = 2223;
const FAR_PORT = 7023;
const KILL = `(while [ ! -e ${TRIAL} ]; do :; done; kill -9 $(cat /run/lab/collector.pid)) >/dev/null 2>&1 &`;

export interface TriedChange {
  /** Seconds from the change until it was put back or was decided to stay. */
  readonly seconds: number;
  /** Seconds, as the agent's event says; null if the change was not put back. */
  readonly cutOff: number | null;
  /** Seconds, as seen from beside the collector: the longest time in which nothing came through. null if nobody looked. */
  readonly outside: number | null;
}

/** Throws if the change ends otherwise than it must, or if anything is other than before. `viewed`: from outside also. */
export async function tryChange(one: TrialCase, { viewed = false } = {}): Promise<TriedChange> {
  await using scene = await ConfirmScene.make(one.families);
  scene.certify();
  await scene.collector();
  const { host } = scene;
  await one.prepare?.(scene);
  const confirm = confirmOf(one);
  if (one.before !== undefined) {
    await host.write(CONFIGURATION, one.before + confirm);
    const first = await host.agent('apply');
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /confirmed: as before the change, these answer/);
  }
  const then = await everything(host);
  await host.write(CONFIGURATION, one.change + confirm);
  const view = viewed ? await viewOf(scene, one) : null;
  if (one.isKilled) await host.sh(KILL);
  const { code, said, seconds } = await applied(scene);
  assert.match(said, one.says);
  if (one.ends !== 'put back') {
    assert.equal(code, 0, said);
    assert.match(
      said,
      one.ends === 'confirmed' ? /Change [0-9a-f]{8} confirmed: / : /Change [0-9a-f]{8} stays for now/,
    );
    assert.notEqual(await everything(host), then);
    return { seconds, cutOff: null, outside: (await view?.close()) ?? null };
  }
  assert.equal(code, 4, said);
  const told = /Change [0-9a-f]{8} put back: .*; cut off for (\d+) s/s.exec(said);
  assert.ok(told, said);
  const outside = (await view?.close()) ?? null;
  await isAsBefore(host, then);
  const again = await host.agent('apply');
  assert.equal(again.code, 4);
  assert.match(again.stderr, /is not tried again until it differs/);
  await isAsBefore(host, then);
  assert.match((await host.agent('plan')).stdout, /put back/);
  return { seconds, cutOff: Number(told[1]), outside };
}

/** Between the host that may be cut off, and the machine of the collector. */
function viewOf({ host }: ConfirmScene, { families, watched }: TrialCase): Promise<OutsideView> {
  const names = watched === undefined ? HOST : { ipv4: BEHIND };
  const near = placeIn(host, watched ?? null, { names, port: NEAR_PORT });
  const far = placeIn(host, 'far', { names: { ipv4: COLLECTOR_NAME, ipv6: COLLECTOR_NAME }, port: FAR_PORT });
  return OutsideView.open(near, far, families);
}

async function isAsBefore(host: LabHost, then: string): Promise<void> {
  const now = await everything(host);
  // Of some thousand lines, only those that differ can be read.
  assert.deepEqual([...new Set(now.split('\n')).symmetricDifference(new Set(then.split('\n')))], []);
  assert.equal(now, then);
}

/** `agent apply`, and the seconds for which the change was on trial. */
async function applied({ host }: ConfirmScene): Promise<{ code: number | null; said: string; seconds: number }> {
  const child = host.spawn(['agent', 'apply']);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [out, errors] = [new Log(child.stdout!), new Log(child.stderr!)];
  await out.until(/is on trial|confirmed: |stays for now/).catch((error: Error) => {
    throw new Error(`${error.message}\n${errors.lines.join('\n')}`);
  });
  const begun = performance.now();
  await host.sh(`while [ -e ${TRIAL} ]; do sleep 0.05; done`);
  const seconds = (performance.now() - begun) / 1000;
  const [code] = await ended;
  return { code, said: [...out.lines, ...errors.lines].join('\n'), seconds };
}

function confirmOf({ confirm: { by = 'collector', also, inbound } = {} }: TrialCase): string {
  const wishes = [
    `by: ${by}`,
    `within: ${WITHIN}s`,
    ...(also === undefined ? [] : [`also: [${also}]`]),
    ...(inbound === undefined ? [] : [`inbound: ${inbound}`]),
  ];
  return `report: { endpoint: "https://${COLLECTOR_NAME}:4318", ca: /etc/holdfast/ca.pem, token-file: /etc/holdfast/token }
confirm: { ${wishes.join(', ')} }
`;
}
