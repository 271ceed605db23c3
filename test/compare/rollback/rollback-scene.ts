/**
 * A booted Debian behind a router, whose network settings a tool is about to change, and a machine two routers away that
 * looks at it. The tools are netplan, NetworkManager and Holdfast, each as its own documents say.
 */
import { startNameServer } from '../../parts/lab/dhcp.ts';
import type { LabHost } from '../../parts/lab/host.ts';
import { OutsideView, placeIn } from '../../parts/lab/outside-view.ts';
import { Machine } from '../../systems/machine.ts';

export const HOST = { ipv4: '10.77.0.2', ipv6: 'fd77::2' } as const;
export const ROUTER = { ipv4: '10.77.0.1', ipv6: 'fd77::1' } as const;
/** No machine has these. */
export const NOBODY = { ipv4: '10.77.0.99', ipv6: 'fd77::99' } as const;
export const FAR = { ipv4: '10.61.0.5', ipv6: 'fd61::5' } as const;
export const FAR_NAME = 'collector.test';
export const FAR_PORT = 7023;
const NEAR_PORT = 2223;
export const NAME_SERVERS = { right: '10.77.0.53', wrong: '10.77.0.54' } as const;

const PACKAGES = ['systemd-resolved', 'netplan.io', 'python3-cffi-backend', 'udev', 'network-manager'];
const LOOPBACK = 'auto lo\niface lo inet loopback\n';
/** A machine has no udevd and may not write to /sys, so these steps of `netplan apply` would fail. They rename no wire here. */
const UDEVADM = '#!/bin/sh\ncase "$1" in trigger | control | settle) ;; *) exec /usr/bin/udevadm "$@" ;; esac\n';

export interface RollbackHost {
  readonly files: Readonly<Record<string, string>>;
  /** Services that run its network, and those that must not. */
  readonly enabled: string;
  readonly masked: string;
}

export class RollbackScene implements AsyncDisposable {
  readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  static async boot({ files, enabled, masked }: RollbackHost): Promise<RollbackScene> {
    const machine = await Machine.boot({
      release: 'trixie',
      packages: PACKAGES,
      files: { '/etc/network/interfaces': LOOPBACK, '/usr/local/bin/udevadm': UDEVADM, ...files },
      setup: `chmod 755 /usr/local/bin/udevadm; systemctl mask ${masked}; systemctl enable ${enabled} systemd-resolved
        [ ! -d /etc/netplan ] || chmod -R go= /etc/netplan
        chmod -R go= /etc/NetworkManager/system-connections
        ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`,
      dhcp: null,
    });
    try {
      await wire(machine.outside);
      const scene = new RollbackScene(machine);
      if (!(await scene.isReached())) throw new Error('the machine is not reached before any change');
      return scene;
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  view(): Promise<OutsideView> {
    const { machine } = this;
    const near = placeIn(machine, null, { names: HOST, port: NEAR_PORT });
    const far = placeIn(machine.outside, 'far', { names: { ipv4: FAR_NAME, ipv6: FAR_NAME }, port: FAR_PORT });
    return OutsideView.open(near, far, ['ipv4', 'ipv6']);
  }

  /** Whether the host answers from far, in both families, within half a minute. It also finds the name of that machine. */
  async isReached(): Promise<boolean> {
    const { machine } = this;
    const pings = `for host in ${HOST.ipv4} ${HOST.ipv6}; do
        timeout 30 sh -c "until ip netns exec far ping -n -c 1 -W 1 $host >/dev/null; do sleep 0.2; done" || exit 1
      done`;
    const { code } = await machine.outside.run(['sh', '-c', pings]);
    return code === 0 && (await machine.run(['getent', 'ahosts', FAR_NAME])).code === 0;
  }

  /** The state of everything that a change may touch, without the configuration that the operator edits. */
  async everything(): Promise<string> {
    return this.machine.sh(
      `find /etc -type f ! -path '/etc/holdfast/*' ! -path '/etc/netplan/*' | sort | xargs -d '\\n' sha256sum
       ip -d route show table all | sort; ip -d -6 route show table all | sed 's/expires [0-9]*sec//' | sort
       resolvectl dns eth0; cat /etc/resolv.conf
       sysctl -a 2>/dev/null | grep -e '^net.ipv[46].conf' | grep -v stable_secret`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.machine.close();
  }
}

/** The router, another router, and the machine that looks. */
async function wire(outside: LabHost): Promise<void> {
  await outside.sh('ip netns add mid; ip netns add far');
  await outside.sh(
    `ip link add mid0 type veth peer name up0 netns mid
     ip -n mid link add far0 type veth peer name eth0 netns far
     for netns in mid far; do ip -n $netns link set lo up; done
     ip link set mid0 up; ip -n mid link set up0 up; ip -n mid link set far0 up; ip -n far link set eth0 up
     sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
     ip netns exec mid sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
     ip addr add ${ROUTER.ipv6}/64 dev srv0 nodad
     ip addr add 10.62.0.1/24 dev mid0; ip addr add fd62::1/64 dev mid0 nodad
     ip -n mid addr add 10.62.0.2/24 dev up0; ip -n mid addr add fd62::2/64 dev up0 nodad
     ip -n mid addr add 10.61.0.1/24 dev far0; ip -n mid addr add fd61::1/64 dev far0 nodad
     ip -n far addr add ${FAR.ipv4}/24 dev eth0; ip -n far addr add ${FAR.ipv6}/64 dev eth0 nodad
     ip route add 10.61.0.0/24 via 10.62.0.2; ip -6 route add fd61::/64 via fd62::2
     ip -n mid route add 10.77.0.0/24 via 10.62.0.1; ip -n mid -6 route add fd77::/64 via fd62::1
     ip -n far route add default via 10.61.0.1; ip -n far -6 route add default via fd61::1`,
    { where: 'server' },
  );
  await startNameServer(outside, NAME_SERVERS.right, { [FAR_NAME]: [FAR.ipv4, FAR.ipv6] });
  await startNameServer(outside, NAME_SERVERS.wrong, { 'other.test': '10.0.0.1' });
}
