/** busybox's udhcpc on a throw-away host, with Debian's own script or a stand-in for Alpine's. */
import type { ChildProcess } from 'node:child_process';
import { connect, type DhcpOptions, startDhcpServer } from './dhcp.ts';
import { LabHost, unavailable } from './host.ts';
import { Log } from './log.ts';
import { AGENT_YAML } from './scene.ts';

export const noUdhcpc = unavailable({ busybox: 'busybox' });

/** Writes down each event after the script's work: the folder post-EVENT of Alpine, the last lines of Debian's. */
const WITNESS = 'echo "$1 router=$router ntp=$ntpsrv host=$hostname search=$search" >>/run/lab/events\n';

/**
 * It takes the steps of Alpine's script (busybox-initscripts): sources udhcpc.conf, sets address and routes, and renames a
 * new resolv.conf into place unless RESOLV_CONF=no.
 */
export const ALPINE_SCRIPT = `#!/bin/sh
RESOLV_CONF="/etc/resolv.conf"
UDHCPC_CONF="/etc/udhcpc/udhcpc.conf"
[ -f $UDHCPC_CONF ] && . $UDHCPC_CONF

write_resolv_conf() {
    if [ "$RESOLV_CONF" = "no" ] || [ -z "$dns" ]; then return; fi
    : >"$RESOLV_CONF.$$"
    if [ -n "\${search:-$domain}" ]; then echo "search \${search:-$domain}" >>"$RESOLV_CONF.$$"; fi
    for one in $dns; do echo "nameserver $one" >>"$RESOLV_CONF.$$"; done
    mv "$RESOLV_CONF.$$" "$RESOLV_CONF"
}
default_routes() {
    if [ -z "$router" ] && [ -z "$staticroutes" ]; then return; fi
    while ip -4 route del default dev $interface 2>/dev/null; do :; done
    for one in $router; do ip -4 route add default via $one dev $interface metric 202; done
}
case "$1" in
deconfig) ip -4 addr flush dev $interface; ip link set dev $interface up ;;
bound) ip -4 addr add $ip/$mask dev $interface; default_routes; write_resolv_conf ;;
renew)
    for one in $router; do ip -4 route show default | grep -q "via $one " || { default_routes; break; }; done
    write_resolv_conf
    ;;
esac
${WITNESS}`;

/** The script of Debian's package, as far as resolv.conf is concerned: no file of hooks, the file written in place. */
export const DEBIAN_SCRIPT = `#!/bin/sh
RESOLV_CONF="/etc/resolv.conf"
case $1 in
bound|renew)
    busybox ifconfig $interface $ip netmask $subnet
    [ -n "$domain" ] && R="domain $domain" || R=""
    for i in $dns; do
        R="$R
nameserver $i"
    done
    echo "$R" > "$RESOLV_CONF"
    ;;
deconfig) busybox ip link set $interface up; busybox ip -4 addr flush dev $interface ;;
esac
${WITNESS}`;

export class Udhcpc {
  readonly log: Log;
  readonly #host: LabHost;

  private constructor(host: LabHost, child: ChildProcess) {
    this.#host = host;
    this.log = new Log(child.stderr!);
  }

  /** `script`: as its command line names it. `until`: the event that is waited for. */
  static async start(host: LabHost, script: string, until = 'bound'): Promise<Udhcpc> {
    const asked = ['-s', script, '-O', 'search', '-O', 'ntpsrv', '-O', 'hostname'];
    const child = host.spawn(['udhcpc', '-f', '-i', 'eth0', '-p', '/run/lab/udhcpc.pid', ...asked]);
    const client = new Udhcpc(host, child);
    await client.#event(until, 0);
    return client;
  }

  /** Has it renew its lease, which its server otherwise makes it do each 8 s at the most, and waits for its script. */
  async renew(): Promise<void> {
    await this.next('renew', 'kill -USR1 "$(cat /run/lab/udhcpc.pid)"');
  }

  /** Waits until its script has ended for one more event of this name. `cause`: a script that makes the event come. */
  async next(name: string, cause = ':'): Promise<void> {
    const before = Number(await this.#host.sh(`grep -c ^${name} /run/lab/events || :; ${cause}`));
    await this.#event(name, before);
  }

  /** Kills it like the kernel's out-of-memory killer: no script runs, and the address stays. */
  async kill(): Promise<void> {
    await this.#host.sh('kill -KILL "$(cat /run/lab/udhcpc.pid)"; rm -f /run/lab/events');
  }

  async #event(name: string, before: number): Promise<void> {
    const count = `$(grep -c ^${name} /run/lab/events 2>/dev/null || :)`;
    await this.#host.sh(`until [ "0${count}" -gt ${before} ]; do sleep 0.02; done`);
  }
}

/** A host whose udhcpc has its first lease. */
export async function udhcpcHost(script: string, dhcp: DhcpOptions = {}) {
  const host = await LabHost.create();
  try {
    // This busybox has only Debian's place compiled in.
    const path = script === DEBIAN_SCRIPT ? '/etc/udhcpc/default.script' : '/usr/share/udhcpc/default.script';
    await host.write(path, script, 0o755);
    await host.sh('ln -sf "$(command -v busybox)" /sbin/udhcpc');
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await connect(host);
    const server = await startDhcpServer(host, dhcp);
    const client = await Udhcpc.start(host, path);
    return { host, server, client, path, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}
