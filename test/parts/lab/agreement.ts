/** A router with FRR or BIRD whose control socket is where the agent looks, and the probe that compares it with the kernel. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Reading } from '../../../probes/probe.ts';
import type { SomeRoutes } from '../../../probes/route-agreement/listing.ts';
import { REPOSITORY } from '../repository.ts';
import { type Gateway, hostWithGateways, type Speaker } from './gateways.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** Routes that the gateway announces besides its default routes. */
export const ANNOUNCED = { ipv4: 3000, ipv6: 500 } as const;

/** The protocol by which each daemon marks what it learned by BGP, as iproute2 calls it. */
const MARK = { frr: 'bgp', bird: 'bird' } as const;

export class Router {
  readonly host: LabHost;
  readonly gateway: Gateway;
  readonly #own: Speaker;
  readonly #looks: ReturnType<LabHost['spawn']>;
  readonly #log: Log;
  #looked = 0;

  private constructor(own: Speaker, host: LabHost, gateway: Gateway) {
    this.#own = own;
    this.host = host;
    this.gateway = gateway;
    this.#looks = host.spawn([process.execPath, `${REPOSITORY}/test/parts/lab/agreement-inside.ts`]);
    this.#log = new Log(this.#looks.stdout!);
  }

  static async start(own: Speaker): Promise<Router & AsyncDisposable> {
    const scene = await hostWithGateways(own, ['bird']);
    await scene.host.sh(`mkdir -p /run/frr /run/bird
      ln -s /run/lab/host/zebra.vty /run/frr/zebra.vty; ln -s /run/lab/host.ctl /run/bird/bird.ctl`);
    const router = new Router(own, scene.host, scene.gateways[0]!);
    return Object.assign(router, {
      [Symbol.asyncDispose]: () => {
        router.#looks.stdin!.end();
        return scene[Symbol.asyncDispose]();
      },
    });
  }

  /** One look, with its time since the one before in seconds. */
  async look(seconds = 20): Promise<Reading[]> {
    this.#looks.stdin!.write(`${seconds * 1000}\n`);
    return JSON.parse(await this.#log.until(/^\[/, this.#looked++)) as Reading[];
  }

  async conditions(): Promise<Condition[]> {
    return (await this.look()).filter((one): one is Condition => one.kind === 'condition');
  }

  /** The difference of each family, in a look in which the daemon stands still. */
  async differences(): Promise<Record<string, number>> {
    for (let tries = 0; ; tries += 1) {
      const all = (await this.look(0.001)).flatMap((one) =>
        one.kind === 'sample' && one.metric === 'holdfast.route_agreement.difference'
          ? [[String(one.attributes['network.type']), one.value] as const]
          : [],
      );
      if (all.length === 2) return Object.fromEntries(all);
      assert.ok(tries < 100, 'the daemon never stands still');
      await sleep(100);
    }
  }

  /** The gateway announces this many routes of each family, or none. Returns the conditions of all looks until the kernel has them. */
  async announce(routes = ANNOUNCED as { ipv4: number; ipv6: number }): Promise<Condition[]> {
    await this.tell(routes);
    return this.settle(routes);
  }

  /** The gateway announces this many routes of each family from now on. */
  async tell({ ipv4, ipv6 }: { ipv4: number; ipv6: number }): Promise<void> {
    await this.host.sh(`awk 'BEGIN {
      print "protocol static { ipv4;"
      for (n = 0; n < ${ipv4}; n++) print "route " 20 + int(n / 65536) "." int(n / 256) % 256 "." n % 256 ".0/24 blackhole;"
      print "}"; print "protocol static { ipv6;"
      for (n = 0; n < ${ipv6}; n++) printf "route 2001:db8:%x:%x::/64 blackhole;\\n", 4096 + n / 65536, n % 65536
      print "}" }' >/run/lab/gw0.routes.full; birdc -s /run/lab/gw0.ctl configure`);
  }

  /** Looks until the kernel has this many routes of each family besides the default route. Returns the conditions of all looks. */
  async settle({ ipv4, ipv6 } = ANNOUNCED as { ipv4: number; ipv6: number }): Promise<Condition[]> {
    const conditions: Condition[] = [];
    for (let tries = 0; ; tries += 1) {
      conditions.push(...(await this.conditions()));
      const now = await this.inKernel();
      if (now.ipv4 === ipv4 + 1 && now.ipv6 === ipv6 + 1) return conditions;
      assert.ok(tries < 200, `the kernel has ${JSON.stringify(now)}`);
      await sleep(50);
    }
  }

  async inKernel(): Promise<{ ipv4: number; ipv6: number }> {
    const count = (family: 4 | 6) => `ip -${family} -o route show table all proto ${MARK[this.#own]} | wc -l`;
    const [ipv4, ipv6] = (await this.host.sh(`${count(4)}; ${count(6)}`)).split('\n').map(Number);
    return { ipv4: ipv4!, ipv6: ipv6! };
  }

  /** Removes learned routes of the gateway from the kernel. Returns their prefixes. */
  async remove(numbers: { ipv4: number; ipv6: number }): Promise<{ ipv4: string[]; ipv6: string[] }> {
    const some = async (family: 4 | 6, number: number, begin: string) => {
      const list = `ip -${family} -o route show proto ${MARK[this.#own]} | awk '/^${begin}/ && n++ < ${number} { print $1 }'`;
      return (
        await this.host.sh(
          `${list} >/run/lab/gone; sed 's/^/route del /' /run/lab/gone | ip -${family} -batch -; cat /run/lab/gone`,
        )
      )
        .split('\n')
        .filter(Boolean);
    };
    return { ipv4: await some(4, numbers.ipv4, '20[.]'), ipv6: await some(6, numbers.ipv6, '2001:') };
  }

  /** What `agent probe route-agreement --list` names, IPv4 first. */
  async listed(): Promise<{ routes: number; kernel: number; onlyDaemon: SomeRoutes; onlyKernel: SomeRoutes }[]> {
    const { code, stdout, stderr } = await this.host.agent('probe', 'route-agreement', '--list', '--json');
    assert.equal(code, 0, stderr + stdout);
    return JSON.parse(stdout).differences;
  }
}
