/** How each tool makes a change that undoes itself, and what may end in the middle. */
import type { Machine } from '../../systems/machine.ts';
import { installService } from '../../systems/service.ts';
import { FAR, FAR_NAME, FAR_PORT, HOST, NAME_SERVERS, NOBODY, ROUTER, type RollbackHost } from './rollback-scene.ts';

/** Seconds until an unconfirmed change is put back. */
export const WITHIN = 10;

export const CHANGES = {
  'a wrong default route': 'gateway',
  'a wrong IPv6 default route': 'gateway6',
  'a more specific route that catches the collector': 'blackhole',
  'name servers that do not know the collector': 'dns',
  'a good route': 'good',
} as const;
export type Change = (typeof CHANGES)[keyof typeof CHANGES];

/** A tool that puts its change back by itself, and what an operator or an accident does meanwhile. */
export interface RollbackTool {
  readonly name: string;
  readonly host: RollbackHost;
  /** The only change that is made this way, if there is another way for the others. */
  readonly only?: Change;
  /** Installs and sets up what the tool needs beside the packages and files of its host. */
  install?(machine: Machine): Promise<void>;
  /** Begins the change. Returns when the change is made, or soon will be. */
  begin(machine: Machine, change: Change): Promise<void>;
  /** Shell: keeps the change, as the operator would; null if the tool waits for no operator. */
  readonly confirm: string | null;
  /** Shell: kills the program that would put the change back. */
  readonly kill: string;
  /** Shell: closes the terminal of the operator; null if the tool needs none. */
  readonly hangUp: string | null;
}

/** The destination of the good route. */
const GOOD = '192.0.2.0/24';

function plan(change: Change | null): string {
  const routes = [
    `{ to: default, via: ${change === 'gateway' ? NOBODY.ipv4 : ROUTER.ipv4} }`,
    `{ to: default, via: "${change === 'gateway6' ? NOBODY.ipv6 : ROUTER.ipv6}" }`,
    ...(change === 'blackhole' ? [`{ to: ${FAR.ipv4}/32, type: blackhole }`] : []),
    ...(change === 'good' ? [`{ to: ${GOOD}, via: ${ROUTER.ipv4} }`] : []),
  ];
  return `network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      accept-ra: false
      addresses: [${HOST.ipv4}/24, "${HOST.ipv6}/64"]
      routes: [${routes.join(', ')}]
      nameservers: { addresses: [${change === 'dns' ? NAME_SERVERS.wrong : NAME_SERVERS.right}] }
`;
}

const PLAN = '/etc/netplan/50-lan.yaml';
const BY_NETWORKD: RollbackHost = {
  files: { [PLAN]: plan(null) },
  enabled: 'systemd-networkd',
  masked: 'NetworkManager',
};

/** netplan adds lines to the present ones, so the wrong default route is one of two halves: both win over the present one. */
const ADDED = `network:
  version: 2
  ethernets:
    eth0:
      routes: [{ to: 0.0.0.0/1, via: ${NOBODY.ipv4} }, { to: 128.0.0.0/1, via: ${NOBODY.ipv4} }]
`;

/** Starts a command at a terminal of the operator, the pseudo terminal of script(1). Returns when it has said this. */
async function atTerminal(machine: Machine, command: string, said: string): Promise<void> {
  machine.spawn(['script', '-qefc', command, '/run/try.log']).stdout!.resume();
  await machine.sh(`timeout 60 sh -c "until grep -qsE '${said}' /run/try.log; do sleep 0.1; done"`);
}

const NETPLAN: RollbackTool = {
  name: '`netplan try`',
  host: BY_NETWORKD,
  async begin(machine, change) {
    await machine.write(PLAN, plan(change), 0o600);
    await atTerminal(machine, `netplan try --timeout ${WITHIN}`, 'ENTER');
  },
  confirm: 'pkill -USR1 -f "[p]ython3.*netplan try"',
  kill: 'pkill -KILL -f "[p]ython3.*netplan try"',
  hangUp: 'pkill -KILL -x script',
};

/** The change is in a file outside of /etc/netplan. */
const NETPLAN_FILE: RollbackTool = {
  ...NETPLAN,
  name: '`netplan try --config-file`',
  only: 'gateway',
  async begin(machine) {
    await machine.write('/root/60-change.yaml', ADDED, 0o600);
    await atTerminal(machine, `netplan try --timeout ${WITHIN} --config-file /root/60-change.yaml`, 'ENTER');
  },
};

const PROFILE = `[connection]
id=eth0
uuid=11111111-1111-1111-1111-111111111111
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=${HOST.ipv4}/24,${ROUTER.ipv4}
dns=${NAME_SERVERS.right};
[ipv6]
method=manual
address1=${HOST.ipv6}/64,${ROUTER.ipv6}
`;

const MODIFY: Readonly<Record<Change, string>> = {
  gateway: `ipv4.gateway ${NOBODY.ipv4}`,
  gateway6: `ipv6.gateway ${NOBODY.ipv6}`,
  blackhole: `+ipv4.routes '${FAR.ipv4}/32 type=blackhole'`,
  dns: `ipv4.dns ${NAME_SERVERS.wrong}`,
  good: `+ipv4.routes '${GOOD} ${ROUTER.ipv4}'`,
};
const CALL =
  'busctl call org.freedesktop.NetworkManager /org/freedesktop/NetworkManager org.freedesktop.NetworkManager';

const NETWORK_MANAGER: RollbackTool = {
  name: "NetworkManager's checkpoint",
  host: {
    files: { '/etc/NetworkManager/system-connections/eth0.nmconnection': PROFILE },
    enabled: 'NetworkManager',
    masked: 'systemd-networkd',
  },
  /** Makes NetworkManager write the profile in its own form, which it also writes when it puts the profile back. */
  async install(machine) {
    await machine.sh(`nmcli connection modify eth0 ipv4.dns ${NAME_SERVERS.right}`);
  },
  async begin(machine, change) {
    await machine.sh(`${CALL} CheckpointCreate aouu 0 ${WITHIN} 0 | cut -d'"' -f2 >/run/checkpoint
      nmcli connection modify eth0 ${MODIFY[change]}; nmcli device reapply eth0`);
  },
  confirm: `${CALL} CheckpointDestroy o "$(cat /run/checkpoint)"`,
  kill: 'pkill -KILL -x NetworkManager',
  hangUp: null,
};

const SECTIONS: Readonly<Record<Change, string>> = {
  gateway: `routes: [{ to: 0.0.0.0/0, via: ${NOBODY.ipv4}, takeOver: true }]`,
  gateway6: `routes: [{ to: "::/0", via: "${NOBODY.ipv6}", takeOver: true }]`,
  blackhole: `routes: [{ to: ${FAR.ipv4}/32, type: blackhole }]`,
  dns: `dns: { nameservers: [${NAME_SERVERS.wrong}] }`,
  good: `routes: [{ to: ${GOOD}, via: ${ROUTER.ipv4} }]`,
};

const HOLDFAST: RollbackTool = {
  name: '`agent apply`',
  host: BY_NETWORKD,
  async install(machine) {
    await installService(machine);
    await machine.sh('systemctl enable holdfast-apply');
  },
  async begin(machine, change) {
    const confirm = `confirm: { by: local, within: ${WITHIN}s, also: [{ tcp: "${FAR_NAME}:${FAR_PORT}" }] }\n`;
    await machine.write('/etc/holdfast/agent.yaml', `${SECTIONS[change]}\n${confirm}`);
    await atTerminal(machine, 'agent apply', 'is on trial|confirmed');
  },
  confirm: null,
  kill: 'pkill -KILL -x agent',
  hangUp: 'pkill -KILL -x script',
};

export const TOOLS: readonly RollbackTool[] = [NETPLAN, NETPLAN_FILE, NETWORK_MANAGER, HOLDFAST];
