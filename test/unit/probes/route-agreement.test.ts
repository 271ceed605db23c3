/** A daemon's routes beside the kernel's: a lasting difference is a condition, and a difference while the daemon works is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import type { RouteCount } from '../../../agent/host/netlink/routes/counts.ts';
import { NetlinkError } from '../../../agent/host/netlink/socket.ts';
import type { Condition, Reading, Sample } from '../../../probes/probe.ts';
import { type Claim, type DaemonView, type DaemonViews, placeOf } from '../../../probes/route-agreement/claims.ts';
import { agreementVerdict, Differences } from '../../../probes/route-agreement/differences.ts';
import { routeAgreementProbe } from '../../../probes/route-agreement-probe.ts';
import { RouteCounts } from '../../../probes/route-counts.ts';

const never = new AbortController().signal;
const BGP = 186;

function frr(
  installed: Record<number, number>,
  { run = '1', table = 254, vrf = null as string | null } = {},
): DaemonView {
  const place = { daemon: 'frr', family: 'ipv4', table, vrf } as const;
  const claims = Object.entries(installed).map(
    ([protocol, routes]): Claim => ({ ...place, protocol: Number(protocol), installed: routes }),
  );
  return { daemon: 'frr', run, settled: true, claims, asked: new Set([placeOf(place)]) };
}

function bird(installed: number | null, settled = true): DaemonView {
  const claims: Claim[] =
    installed === null ? [] : [{ daemon: 'bird', family: 'ipv6', table: null, vrf: null, protocol: 12, installed }];
  return { daemon: 'bird', run: '1', settled, claims, asked: new Set(claims.map(placeOf)) };
}

const routes = (protocol: number, number: number, table = 254): RouteCount => ({
  table,
  protocol,
  routes: number,
  offloadFailed: 0,
});

/** A router whose daemons and kernel say what the test says. Each look is 20 s after the one before. */
class Router {
  now = 0;
  looks = 0;
  counted = 0;
  /** What the daemons say, one after the other; the last again and again. */
  views: (DaemonView[] | Error)[] = [[]];
  faults = new Map<'frr' | 'bird', string>();
  ipv4: RouteCount[] = [];
  ipv6: RouteCount[] = [];
  countError: Error | null = null;
  /** Milliseconds that a count takes. */
  cost = 0;
  readonly probe = routeAgreementProbe(
    new Host(),
    {
      fresh: async (family) => {
        this.counted += 1;
        this.now += this.cost;
        if (this.countError !== null) throw this.countError;
        return this[family];
      },
    },
    new Differences(),
    { ask: async (_host, _signal, only) => this.#ask(only), clock: () => this.now },
  );

  #ask(only: readonly string[] = ['frr', 'bird']): DaemonViews {
    this.looks += 1;
    const views = this.views.length > 1 ? this.views.shift()! : this.views[0]!;
    if (views instanceof Error) throw views;
    return { views: views.filter(({ daemon }) => only.includes(daemon)), faults: this.faults };
  }

  async look(seconds = 20): Promise<Reading[]> {
    this.now += seconds * 1000;
    return this.probe.read(never);
  }

  /** The conditions after a look. */
  async conditions(seconds = 20): Promise<Condition[]> {
    return (await this.look(seconds)).filter((one): one is Condition => one.kind === 'condition');
  }

  async codes(): Promise<string[]> {
    return (await this.conditions()).map(({ code, attributes }) => `${code} ${attributes.daemon}`);
  }
}

const differences = (readings: readonly Reading[]) =>
  readings.filter(
    (one): one is Sample => one.kind === 'sample' && one.metric === 'holdfast.route_agreement.difference',
  );

test('verdict: a difference counts if the daemon stands still, or changes by much less', () => {
  assert.equal(agreementVerdict(100, 100, 100), 'agrees');
  assert.equal(agreementVerdict(100, 99, 100), 'differs');
  assert.equal(agreementVerdict(100, 150, 200), 'changing', 'a load');
  assert.equal(agreementVerdict(200, 220, 100), 'changing', 'a withdrawal, of which the kernel is behind');
  assert.equal(agreementVerdict(100_000, 90_000, 100_003), 'differs', 'a table that never stands still');
  assert.equal(agreementVerdict(100_000, 99_980, 100_003), 'changing');
});

test('route agreement: without a daemon the kernel is not asked', async () => {
  const router = new Router();
  assert.deepEqual(await router.look(), []);
  assert.equal(router.counted, 0);
});

test('route agreement: a difference is a condition after a minute, until it is over', async () => {
  const router = new Router();
  router.views = [[frr({ [BGP]: 12_000 })]];
  router.ipv4 = [routes(BGP, 12_000), routes(2, 7), routes(BGP, 5, 100)];
  assert.deepEqual(
    differences(await router.look()).map(({ value }) => value),
    [0],
  );

  router.ipv4 = [routes(BGP, 11_868)];
  for (const _ of [1, 2, 3]) assert.deepEqual(await router.conditions(), []);
  const [condition] = await router.conditions();
  assert.equal(condition?.code, 'routes-disagree');
  assert.equal(condition.severity, 'error');
  assert.deepEqual(condition.attributes, { daemon: 'frr', 'network.type': 'ipv4', table: 'main', protocol: 'bgp' });
  assert.match(
    condition.body,
    /^FRR says that the kernel took 12000 of its IPv4 routes \(bgp\) in table main, .* has 11868: 132 fewer/,
  );

  router.ipv4 = [routes(BGP, 12_000)];
  assert.deepEqual(await router.conditions(), []);
});

test('route agreement: routes that the daemon gave up and the kernel still has', async () => {
  const router = new Router();
  router.views = [[frr({ [BGP]: 10, 196: 1 }, { table: 100, vrf: 'red' })]];
  router.ipv4 = [routes(BGP, 10, 100), routes(196, 1, 100)];
  await router.look();
  // zebra no longer names a type of which it has no route.
  router.views = [[frr({ 196: 1 }, { table: 100, vrf: 'red' })]];
  for (const _ of [1, 2, 3]) assert.deepEqual(await router.conditions(), []);
  const [condition] = await router.conditions();
  assert.deepEqual(condition?.attributes, {
    daemon: 'frr',
    'network.type': 'ipv4',
    table: '100',
    vrf: 'red',
    protocol: 'bgp',
  });
  assert.equal(condition.severity, 'warn');
  assert.match(condition.body, /table 100 \(VRF red\), but the kernel has 10: 10 more/);
});

test('route agreement: BIRD’s routes count in all tables together', async () => {
  const router = new Router();
  router.views = [[bird(200)]];
  router.ipv6 = [routes(12, 150), routes(12, 50, 42), routes(186, 9)];
  assert.deepEqual(
    differences(await router.look()).map(({ value, attributes }) => [value, attributes.table]),
    [[0, 'all']],
  );
});

test('route agreement: a load, a flap and a restart are no disagreement', async () => {
  const router = new Router();
  // Each look sees another number before and after the count.
  router.views = Array.from({ length: 40 }, (_, n) => [frr({ [BGP]: n * 1000 })]);
  for (let n = 0; n < 12; n += 1) {
    router.ipv4 = [routes(BGP, n * 2000 + 500)];
    assert.deepEqual(await router.codes(), [], `load, look ${n}`);
  }
  router.views = [[frr({ [BGP]: 100 })]];
  for (let n = 0; n < 12; n += 1) {
    router.ipv4 = [routes(BGP, n % 3 === 2 ? 100 : 60)];
    assert.deepEqual(await router.codes(), [], `flap, look ${n}`);
  }
  for (let n = 0; n < 12; n += 1) {
    router.views = [[frr({ [BGP]: 100 }, { run: `run ${Math.floor(n / 3)}` })]];
    router.ipv4 = [routes(BGP, 0)];
    assert.deepEqual(await router.codes(), [], `restarts, look ${n}`);
  }
});

test('route agreement: a difference that turns round begins anew', async () => {
  const router = new Router();
  router.views = [[frr({ [BGP]: 100 })]];
  for (let n = 0; n < 12; n += 1) {
    router.ipv4 = [routes(BGP, n % 4 < 2 ? 90 : 110)];
    assert.deepEqual(await router.codes(), [], `look ${n}`);
  }
});

async function disagreeing(): Promise<Router> {
  const router = new Router();
  router.views = [[frr({ [BGP]: 100 })]];
  router.ipv4 = [routes(BGP, 60)];
  for (const _ of [1, 2, 3, 4]) await router.look();
  assert.deepEqual(await router.codes(), ['routes-disagree frr']);
  return router;
}

test('route agreement: a lasting difference stays while it cannot be judged, and a new one does not begin', async () => {
  const router = await disagreeing();
  router.views = [[frr({ [BGP]: 100 })], [frr({ [BGP]: 120 })]];
  router.ipv4 = [routes(BGP, 99)];
  assert.deepEqual(await router.codes(), ['routes-disagree frr'], 'at work');
  router.countError = new NetlinkError('EINTR', 'the table changed');
  assert.deepEqual(await router.codes(), ['routes-disagree frr'], 'no count');
  router.countError = new NetlinkError('ENOBUFS', 'lost');
  await assert.rejects(router.look(), /lost/);
});

test('route agreement: a daemon that ended disagrees no longer', async () => {
  const router = await disagreeing();
  router.views = [[]];
  assert.deepEqual(await router.codes(), []);
  router.views = [[frr({ [BGP]: 100 })]];
  assert.deepEqual(await router.codes(), [], 'and begins anew');
});

test('route agreement: a daemon that gives no usable answer is named, and hides no other', async () => {
  const router = new Router();
  router.views = [[bird(3)]];
  router.ipv6 = [routes(12, 1)];
  router.faults.set('frr', '/run/frr/zebra.vty: no answer within 10 s');
  for (const _ of [1, 2, 3]) await router.look();
  assert.deepEqual(await router.codes(), ['routes-disagree bird']);
  assert.match(router.probe.blind!()!, /no answer/);
  router.views = [[]];
  await assert.rejects(router.look(), /no answer within 10 s/);
  router.faults.clear();
  await router.look();
  assert.equal(router.probe.blind!(), null);
});

test('route agreement: a daemon that fails between the two looks is no verdict', async () => {
  const router = new Router();
  router.ipv4 = [routes(BGP, 60)];
  for (let n = 0; n < 8; n += 1) {
    router.views = [[frr({ [BGP]: 100 })], []];
    assert.deepEqual(await router.codes(), []);
  }
});

test('route agreement: a daemon that was started anew between the two looks is no verdict', async () => {
  const router = new Router();
  router.ipv4 = [routes(BGP, 60)];
  router.views = [[frr({ [BGP]: 100 })], [frr({ [BGP]: 100 }, { run: '2' })]];
  assert.deepEqual(differences(await router.look()), []);
});

test('route agreement: a difference that cannot be judged before its minute is over begins anew', async () => {
  const router = new Router();
  for (let n = 0; n < 12; n += 1) {
    // Each third look comes while the daemon is at work.
    router.views = n % 3 === 2 ? [[frr({ [BGP]: 100 })], [frr({ [BGP]: 60 })]] : [[frr({ [BGP]: 100 })]];
    router.ipv4 = [routes(BGP, 80)];
    assert.deepEqual(await router.codes(), [], `look ${n}`);
  }
});

test('route agreement: a BIRD that recovers is not compared', async () => {
  const router = new Router();
  router.views = [[bird(null, false)]];
  router.ipv6 = [routes(12, 100)];
  for (let n = 0; n < 8; n += 1) assert.deepEqual(await router.look(), []);
  assert.equal(router.counted, 0);
});

test('route agreement: only a difference costs a second look', async () => {
  const router = new Router();
  router.views = [[frr({ [BGP]: 100 }), bird(3)]];
  router.ipv4 = [routes(BGP, 100)];
  router.ipv6 = [routes(12, 3)];
  await router.look();
  assert.equal(router.looks, 1);
  router.ipv6 = [routes(12, 2)];
  await router.look();
  assert.equal(router.looks, 3);
});

test('route agreement: the longer a look takes, the rarer it is, and a new difference is looked at sooner', async () => {
  const router = new Router();
  router.views = [[frr({ [BGP]: 1_000_000 })]];
  router.ipv4 = [routes(BGP, 1_000_000)];
  router.cost = 150;
  const looksIn = async (seconds: number) => {
    const before = router.counted;
    for (let n = 0; n < seconds; n += 1) await router.look(1);
    return (router.counted - before) / 2;
  };
  await router.look();
  assert.equal(await looksIn(600), 10);
  router.ipv4 = [routes(BGP, 999_000)];
  assert.ok((await looksIn(61)) === 1);
  assert.equal(await looksIn(19), 1);
  router.cost = 2000;
  await looksIn(70);
  assert.ok((await looksIn(600)) >= 9, 'about once a minute');
});

test('route counts: a large table that was counted lately is not counted again', async () => {
  let now = 0;
  let counted = 0;
  let cost = 200;
  const counts = new RouteCounts(
    async () => {
      counted += 1;
      now += cost;
      return [routes(BGP, counted)];
    },
    () => now,
  );
  await counts.fresh('ipv4', never);
  assert.equal((await counts.recent('ipv4', never))[0]?.routes, 1);
  assert.equal((await counts.recent('ipv6', never))[0]?.routes, 2, 'each family by itself');
  now += 76_000;
  assert.equal((await counts.recent('ipv4', never))[0]?.routes, 3, 'too old');
  cost = 5;
  await counts.fresh('ipv4', never);
  assert.equal((await counts.recent('ipv4', never))[0]?.routes, 5, 'a small table');
});
