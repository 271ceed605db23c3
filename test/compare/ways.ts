/**
 * The ways to make the change: each tool as its users write it, and as somebody would who knows what dhclient does. All of
 * them have the same files at hand, in /root/site, so that only what a tool does with them differs.
 */
import { agentYaml, dhclientConf, resolvConf } from './change.ts';

export interface Way {
  readonly tool: keyof typeof VERSIONS;
  readonly variant: string;
  /** The host's DHCP client, if it is not dhclient. */
  readonly client?: string | undefined;
  /** The files that this way puts on the host. */
  files(servers?: readonly string[]): Readonly<Record<string, string>>;
  /** The client takes a new lease in it. */
  readonly restarts?: true | undefined;
  /** A shell script that makes the change. */
  readonly script: string;
}

/** The files that an operator has put in place. */
export type Variant = keyof typeof VARIANTS;

interface Deployed {
  /** File of /root/site to its place. */
  readonly copies: Readonly<Record<string, string>>;
  /** networking.service is restarted if dhclient.conf changed: the usual handler. */
  readonly restart?: true;
}

const FILES = { 'resolv.conf': '/etc/resolv.conf', 'dhclient.conf': '/etc/dhcp/dhclient.conf' };

export const VARIANTS = {
  'both files': { copies: FILES },
  'both files, then networking is restarted': { copies: FILES, restart: true },
  'both files, and an exit hook that copies resolv.conf back': {
    copies: { ...FILES, 'resolv.conf': '/etc/resolv.conf', 'exit-hook': '/etc/dhcp/dhclient-exit-hooks.d/resolv-conf' },
  },
  'both files, and an enter hook that keeps dhclient from resolv.conf': {
    copies: { ...FILES, 'enter-hook': '/etc/dhcp/dhclient-enter-hooks.d/nodnsupdate' },
  },
} as const satisfies Record<string, Deployed>;

/** From the Debian wiki (resolv.conf, "Modifying /etc/dhcp/dhclient-enter-hooks.d"). */
const ENTER_HOOK = 'make_resolv_conf() {\n\t:\n}\n';
const EXIT_HOOK = `case "$reason" in
BOUND | RENEW | REBIND | REBOOT | TIMEOUT)
	cp /root/site/resolv.conf /etc/resolv.conf.new && mv -f /etc/resolv.conf.new /etc/resolv.conf
	;;
esac
`;

/** How each says which it is. */
export const VERSIONS = {
  'by hand': null,
  CFEngine: 'cf-agent --version',
  Puppet: 'puppet --version',
  Ansible: 'LC_ALL=C.UTF-8 ansible --version | head -1',
  Holdfast: 'agent --version',
} as const;

/** Debian's packages of them; the last one because debootstrap does not find what a dependency names in other words. */
export const RIVALS = ['ansible-core', 'cfengine3', 'puppet-agent', 'python3-cffi-backend'];

const site = (servers?: readonly string[]) => ({
  '/root/site/resolv.conf': resolvConf(servers),
  '/root/site/dhclient.conf': dhclientConf(servers),
  '/root/site/enter-hook': ENTER_HOOK,
  '/root/site/exit-hook': EXIT_HOOK,
});

const RESTART = 'systemctl restart networking';

function byHand(variant: Variant): Way {
  const { copies }: Deployed = VARIANTS[variant];
  const commands = Object.entries(copies).map(([from, to]) => `cat /root/site/${from} >${to}`);
  return { tool: 'by hand', variant, files: site, script: commands.join('\n') };
}

function cfengine(variant: Variant): Way {
  const { copies, restart }: Deployed = VARIANTS[variant];
  const promises = Object.entries(copies).map(
    ([from, to]) =>
      `    "${to}" copy_from => local_dcp("/root/site/${from}"), perms => mog("644", "root", "root")${
        restart && from === 'dhclient.conf' ? ', classes => if_repaired("dhclient_changed")' : ''
      };`,
  );
  const commands = restart ? `  commands:\n    dhclient_changed::\n      "/usr/bin/${RESTART}";\n` : '';
  const policy = `body common control { inputs => { "/usr/share/cfengine3/masterfiles/lib/stdlib.cf" }; bundlesequence => { "dns" }; }
bundle agent dns
{
  files:
${promises.join('\n')}
${commands}}
`;
  const files = (servers?: readonly string[]) => ({ ...site(servers), '/root/policy.cf': policy });
  return {
    tool: 'CFEngine',
    variant,
    restarts: restart,
    files,
    script: 'chmod 600 /root/policy.cf; cf-agent --no-lock --file /root/policy.cf',
  };
}

function puppet(variant: Variant): Way {
  const { copies, restart }: Deployed = VARIANTS[variant];
  const resources = Object.entries(copies).map(
    ([from, to]) =>
      `file { '${to}': owner => 'root', group => 'root', mode => '0644', source => '/root/site/${from}'${
        restart && from === 'dhclient.conf' ? ", notify => Service['networking']" : ''
      } }\n`,
  );
  const service = restart ? "service { 'networking': ensure => running, enable => true }\n" : '';
  const files = (servers?: readonly string[]) => ({ ...site(servers), '/root/site.pp': resources.join('') + service });
  return { tool: 'Puppet', variant, restarts: restart, files, script: 'puppet apply /root/site.pp' };
}

function ansible(variant: Variant): Way {
  const { copies, restart }: Deployed = VARIANTS[variant];
  const tasks = Object.entries(copies).map(
    ([from, to]) => `    - name: ${to}
      ansible.builtin.copy: { src: /root/site/${from}, dest: ${to}, owner: root, group: root, mode: "0644" }
${restart && from === 'dhclient.conf' ? '      notify: restart networking\n' : ''}`,
  );
  const handlers = restart
    ? '  handlers:\n    - name: restart networking\n      ansible.builtin.service: { name: networking, state: restarted }\n'
    : '';
  const play = `- hosts: localhost\n  connection: local\n  tasks:\n${tasks.join('')}${handlers}`;
  const files = (servers?: readonly string[]) => ({ ...site(servers), '/root/play.yaml': play });
  return {
    tool: 'Ansible',
    variant,

    restarts: restart,
    files,
    script: 'LC_ALL=C.UTF-8 ansible-playbook -i localhost, /root/play.yaml',
  };
}

function holdfast(verify: boolean): Way {
  return {
    tool: 'Holdfast',
    variant: verify ? 'agent apply, dns.verify' : 'agent apply',
    files: (servers) => ({ '/etc/holdfast/agent.yaml': agentYaml(servers, { verify }) }),
    script: 'agent apply',
  };
}

const BEST_VARIANT: Variant = 'both files, and an enter hook that keeps dhclient from resolv.conf';
const variants = Object.keys(VARIANTS) as Variant[];

export const HAND = byHand('both files');
/** The best that is known without Holdfast, by the quickest of the tools. */
export const BEST = cfengine(BEST_VARIANT);
export const HOLDFAST = holdfast(false);
export const VERIFIED = holdfast(true);

/** The variants in which the plug is pulled: one for each tool. */
export const TOOLS: readonly Way[] = [BEST, puppet(BEST_VARIANT), ansible(BEST_VARIANT), VERIFIED];

export const WAYS: readonly Way[] = [
  HAND,
  ...[cfengine, puppet, ansible].flatMap((tool) => variants.map(tool)),
  HOLDFAST,
  VERIFIED,
];
