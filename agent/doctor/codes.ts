/**
 * Everything that `agent doctor` can find, by code. A code keeps its meaning for ever, so scripts and tickets may rely
 * on it. docs/doctor.md has a section for each code.
 *
 * `problem`: a configured setting is not held, or will be lost. `warning`: a setting may be lost, or does not do what
 * it seems to do. `note`: good to know. A check that is certain may give a finding another severity than the one here.
 */
export type DoctorSeverity = 'problem' | 'warning' | 'note';

interface Explanation {
  readonly severity: DoctorSeverity;
  /** Why it matters. */
  readonly why: string;
  readonly remedy: string;
}

export const DOCTOR_CODES = {
  'HF-CONFIG': {
    severity: 'problem',
    why: 'Without a valid configuration Holdfast holds nothing new. Doctor therefore looked at everything that Holdfast could hold.',
    remedy: 'Correct the configuration. `agent check` says whether it is valid.',
  },
  'HF-UNSEEN': {
    severity: 'note',
    why: 'A part of the host could not be looked at, and may hide a problem.',
    remedy: 'Run `agent doctor` as root, on the host itself.',
  },
  'HF-PROGRAM-MISSING': {
    severity: 'problem',
    why: 'Holdfast or its hook needs this program.',
    remedy: 'Install the package named.',
  },
  'HF-SECRET-READABLE': {
    severity: 'warning',
    why: 'Anyone who reads the token or the key can report as this host, and the collector would then show false data. Anyone who reads a stable_secret can foretell this host’s addresses.',
    remedy:
      'Run chown root and chmod 600 on the file, or let systemd hand a token or key over (LoadCredential=, docs/service.md).',
  },
  'HF-MACHINE-ID-CLONE': {
    severity: 'warning',
    why: 'Two machines with one machine-id are one host for the collector, for many DHCP servers and for the journal.',
    remedy:
      'Give this machine an id of its own: `rm /etc/machine-id && systemd-machine-id-setup`, then restart the machine. If it is no clone, but all of its hardware was replaced: `rm /var/lib/holdfast/machine`.',
  },
  'HF-WHO': {
    severity: 'note',
    why: 'With tracefs mounted and writable, `agent run` lets the kernel watch a setting that drifted once. The next change then names the program.',
    remedy: 'Nothing; or mount tracefs at /sys/kernel/tracing, as systemd does.',
  },
  'HF-ROUTE-FAILURES': {
    severity: 'note',
    why: 'If the kernel refuses a route, many routing daemons go on without a word.',
    remedy:
      'Nothing if this kernel can report refused routes. Otherwise list the daemons’ logs in probes.memory-errors.logs, or their units in probes.memory-errors.journal. The canary and the kernel’s counters watch the host as a whole.',
  },

  'HF-RESOLV-LINK': {
    severity: 'problem',
    why: 'Another program makes the file behind the link, and may make it anew at any time.',
    remedy:
      'Set dns.symlink to "replace" to put a regular file there, or set DNS in the program that owns the link and leave `dns` out.',
  },
  'HF-RESOLV-MOUNT': {
    severity: 'warning',
    why: 'A mount point cannot be renamed over. Holdfast writes the file in place, so a reader may see a mixture for a moment.',
    remedy: 'Unmount it if the mount is not needed. In a container, set DNS through the container engine.',
  },
  'HF-RESOLV-IMMUTABLE': {
    severity: 'problem',
    why: 'No program can change or replace the file, not even as root.',
    remedy: 'Run chattr -i on the file. Holdfast holds the file without that attribute.',
  },
  'HF-RESOLV-DAEMON': {
    severity: 'warning',
    why: 'The program writes /etc/resolv.conf when its network changes. The configured DNS settings are then gone until Holdfast repairs them.',
    remedy:
      'Run `agent apply` with `dns` configured: it makes NetworkManager, dhcpcd, rdnssd, openresolv, and udhcpc as Alpine has it, leave the file alone. docs/doctor.md says how to do that by hand.',
  },
  'HF-RESOLV-HEADER': {
    severity: 'warning',
    why: 'The program that it names made the file, and may make it anew at any time: the configured DNS settings are then gone until Holdfast repairs them.',
    remedy:
      'Configure that program to leave the file alone (docs/doctor.md has the ways of the usual ones). `agent apply` takes the header out of the file, unless a person may have written it: then take it out yourself.',
  },
  'HF-RESOLV-COPIES': {
    severity: 'warning',
    why: 'A chroot or container has a copy of resolv.conf from the time when it was set up or started, and nobody keeps it. What runs there goes on asking those name servers.',
    remedy:
      'Before the old name servers go: restart what owns the copy (postfix copies it at each start), or start the container anew. Leave it where other name servers are meant.',
  },
  'HF-RESOLV-RESOLVED': {
    severity: 'note',
    why: 'systemd-resolved reads a regular resolv.conf and does not write it. Programs that ask systemd-resolved (nss-resolve, 127.0.0.53, D-Bus) get neither sortlist nor options of the file.',
    remedy: 'If that matters, change the hosts line of nsswitch.conf, or stop the service.',
  },
  'HF-RESOLVED': {
    severity: 'note',
    why: 'systemd-resolved answers for libc. With `dns` configured, Holdfast sets its name servers link by link, and resolv.conf stays its file. It has no sortlist and no options.',
    remedy: 'If sortlist or options matter, set dns.symlink to "replace": libc then asks the name servers itself.',
  },
  'HF-RESOLVED-FILE': {
    severity: 'problem',
    why: 'resolv.conf leads to a file that systemd-resolved writes. Another program wrote into that file, and systemd-resolved notices nothing until a link changes.',
    remedy:
      '`agent apply`: systemd-resolved then writes its file anew. Find the program that writes /etc/resolv.conf on this host.',
  },
  'HF-NETWORKD-LATER': {
    severity: 'warning',
    why: 'The drop-in is read after Holdfast’s, so its name servers and domains win at the next boot.',
    remedy:
      'Remove its DNS=, Domains=, UseDNS= and UseDomains= lines, or give the drop-in a name that sorts before zz-holdfast.conf.',
  },
  'HF-NETWORKD-RELOAD': {
    severity: 'warning',
    why: 'If systemd-networkd gives up a lease, address and routes are gone until the DHCP server answers again. Holdfast itself never prepares that: no file that a running systemd-networkd has read is changed by Holdfast.',
    remedy:
      'Nothing, if the program has to do it. Otherwise take the command out, or put `systemctl restart systemd-networkd` in its place, which keeps the lease from systemd 252 on.',
  },
  'HF-RESOLV-CLOUD-INIT': {
    severity: 'warning',
    why: 'cloud-init writes /etc/resolv.conf at the first boot of an instance, and therefore on every clone of the disk.',
    remedy: 'Set manage_resolv_conf to false.',
  },
  'HF-CLOUD-INIT': {
    severity: 'warning',
    why: 'cloud-init does this at the first boot of an instance (bootcmd and per-boot scripts: at every boot), and therefore on every clone of the disk.',
    remedy: 'Take it out of the user data, or out of the file named if that belongs to the image.',
  },
  'HF-RESOLV-UNUSED': {
    severity: 'warning',
    why: 'glibc reads a line of resolv.conf only in its exact form, and passes over every other one without a word. Without any name server it asks 127.0.0.1.',
    remedy: 'Correct the line; `agent apply` writes those that are configured under dns.',
  },
  'HF-RESOLV-LIMITS': {
    severity: 'warning',
    why: 'The C library reads only the first ones and ignores the rest without a word.',
    remedy: 'Remove the entries that are not needed. Under `dns`, Holdfast checks their number.',
  },

  'HF-LIBC-SORTLIST': {
    severity: 'note',
    why: 'With glibc, sortlist orders the results of gethostbyname (and `getent hosts`). getaddrinfo uses it for AF_INET only, and only among addresses that RFC 6724 ranks alike; it ignores it for AF_UNSPEC, which most programs use. musl and c-ares ignore it. Answers of services other than dns are not sorted.',
    remedy: 'Do not rely on sortlist for programs that call getaddrinfo.',
  },
  'HF-LIBC-MUSL': {
    severity: 'warning',
    why: 'Programs linked with musl ignore sortlist.',
    remedy: 'Do not rely on sortlist for those programs.',
  },
  'HF-LIBC-CARES': {
    severity: 'note',
    why: 'A running program that resolves with c-ares keeps the resolv.conf that it read at its start, and ignores sortlist. glibc reads a replaced file at the next look-up.',
    remedy: 'Restart the programs that use c-ares after a change of DNS settings.',
  },
  'HF-LIBC-NO-RELOAD': {
    severity: 'warning',
    why: 'With this option running programs never read resolv.conf again. After a change they ask the old servers until they are restarted.',
    remedy:
      'Remove no-reload from `options`, then restart the programs that run now. `agent depends ADDRESS` names those that started before a change.',
  },
  'HF-NSS-ORDER': {
    severity: 'warning',
    why: 'This service stands before dns. Names that it answers, or ends with [NOTFOUND=return], never reach the servers of resolv.conf.',
    remedy:
      'If those names must come from DNS, put dns before the service in /etc/nsswitch.conf, or remove the service.',
  },
  'HF-NSS-NO-DNS': {
    severity: 'problem',
    why: 'The C library does not read resolv.conf for host names at all.',
    remedy: 'Add dns to the hosts line of /etc/nsswitch.conf.',
  },
  'HF-NSCD': {
    severity: 'note',
    why: 'Programs get host names from nscd’s cache, which may still hold answers of the old servers.',
    remedy: 'Run nscd -i hosts after a change.',
  },

  'HF-HOOK-REDEFINES': {
    severity: 'problem',
    why: 'The hook runs after Holdfast’s and defines make_resolv_conf again. At every lease its version writes resolv.conf, not Holdfast’s.',
    remedy: 'Remove the hook, or rename it so that it sorts before zz-holdfast.',
  },
  'HF-HOOK-WRITES': {
    severity: 'warning',
    why: 'The hook seems to write resolv.conf at every lease.',
    remedy: 'Remove the hook, or the part that writes resolv.conf: Holdfast does that work.',
  },
  'HF-HOOK-UNKNOWN': {
    severity: 'warning',
    why: 'The hook acts after Holdfast’s, or upon it. Its text does not show that it leaves /etc/resolv.conf alone, so the lease is shown as unknown.',
    remedy:
      'Run `agent rehearse lease`: it plays the next lease with the real hooks. If the hook changes the file, remove those lines.',
  },
  'HF-HOOK-AFTER': {
    severity: 'note',
    why: 'The hook runs after Holdfast’s, so its changes to the new_… variables and to resolv.conf win.',
    remedy: 'Read the hook. If it need not be last, rename it so that it sorts before zz-holdfast.',
  },
  'HF-HOOK-SYNTAX': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script. The error ends the script, and dhclient declines its lease again and again.',
    remedy: 'Correct the hook, or remove it.',
  },
  'HF-HOOK-EXIT': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script, so `exit` or `exec` ends the whole script. No later hook runs, and the address is not configured or the lease is declined.',
    remedy: 'Write `return` in place of `exit`, and start a program without `exec`.',
  },
  'HF-HOOK-SHELL-OPTION': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script, so the option stays set. The first harmless failure or unset variable then ends the script, and dhclient declines its lease; after `set -n` nothing is carried out any more.',
    remedy: 'Remove the option, or put the commands that need it in a subshell: ( … ).',
  },
  'HF-HOOK-ORPHAN': {
    severity: 'warning',
    why: 'Holdfast put it there for a DHCP client that is gone by now. Nothing runs it, so it holds nothing; another client is held by files of its own.',
    remedy:
      'Run `agent apply`, which takes our part out of it. `agent status` shows whether the present client is held.',
  },
  'HF-HOOK-IGNORED': {
    severity: 'warning',
    why: 'run-parts takes only names of letters, digits, "_" and "-": this hook never runs.',
    remedy: 'Rename it without the dot, or remove it.',
  },

  'HF-DHCLIENT-ABSENT': {
    severity: 'note',
    why: 'This host has no ISC dhclient, so the settings under `dhclient` have no effect. Another DHCP client may still rewrite resolv.conf; Holdfast holds `dns` with it.',
    remedy: 'Install isc-dhcp-client if this host should run dhclient.',
  },
  'HF-DHCLIENT-TWICE': {
    severity: 'warning',
    why: 'Each dhclient renews and runs its script on its own. They may hold different leases, and the first one to stop takes the address away from the other.',
    remedy: 'Find out what starts each of them (ifup, a unit, a script), and stop one.',
  },
  'HF-LEASE-CONTESTED': {
    severity: 'problem',
    why: 'Each client takes its own lease, sets address and routes, and writes its own name servers. Each undoes the work of the other.',
    remedy: 'Leave the interface to one client. docs/clients.md says how for each.',
  },
  'HF-LEASES-DISAGREE': {
    severity: 'warning',
    why: 'The last lease that writes wins, whole. IPv4 writes at every renewal, IPv6 when it starts and when its offer changes. Which name servers the host asks depends on that order.',
    remedy: 'Write the servers that the host must ask, of both families, under dns.nameservers.',
  },
  'HF-DHCLIENT-STALE': {
    severity: 'note',
    why: 'dhclient reads its configuration only when it starts. The hooks hold the settings until then. The list of requested options changes only with a new start.',
    remedy: 'Nothing, unless dhclient.request was changed: then restart dhclient when it suits you.',
  },
  'HF-DHCLIENT-CONF': {
    severity: 'problem',
    why: 'dhclient was started with a file that is gone. Restarted the same way, it has no configuration at all.',
    remedy: 'Restore the file, or start dhclient with another one.',
  },
  'HF-DHCLIENT-SCRIPT': {
    severity: 'problem',
    why: 'This script cannot be run or does not source the hooks, so nothing holds the settings at the next lease.',
    remedy:
      'Let dhclient run the distribution’s dhclient-script (-sf, or `script` in dhclient.conf), or let that script source the enter and exit hooks.',
  },
  'HF-SCRIPT-WRITES': {
    severity: 'problem',
    why: 'This dhclient-script itself has the last word on /etc/resolv.conf, so Holdfast’s hook cannot hold the name servers at the next lease.',
    remedy:
      'Remove the named line, or let dhclient run the distribution’s dhclient-script (-sf, or `script` in dhclient.conf). A script may change /etc/resolv.conf only in make_resolv_conf, and must define that function before it sources the enter hooks.',
  },
  'HF-SCRIPT-UNKNOWN': {
    severity: 'warning',
    why: 'The text of this dhclient-script does not show that Holdfast’s hooks have the last word, so the lease is shown as unknown.',
    remedy:
      'Run `agent rehearse lease`: it plays the next lease with this script. If the script changes the file, remove the named line.',
  },
  'HF-DHCLIENT-OWNER': {
    severity: 'problem',
    why: 'Another program runs this dhclient with its own script, and with a configuration that it makes anew at each start. Neither dhclient.conf nor the hooks reach it.',
    remedy: 'Configure DNS in that program, or take the interface away from that program.',
  },
  'HF-DHCP-OTHER': {
    severity: 'warning',
    why: 'The settings under `dhclient` are for ISC dhclient only. Settings under `dhcp` count for every client; docs/clients.md says what each client can hold.',
    remedy: 'Move the settings from `dhclient` to `dhcp`. `agent status` names what this client cannot hold.',
  },
  'HF-CONF-SYNTAX': {
    severity: 'problem',
    why: 'dhclient goes on after an error, but often skips the next valid statement. Holdfast does not edit such a file.',
    remedy: 'Correct the line, then run `agent apply`.',
  },
  'HF-CONF-REQUIRE': {
    severity: 'problem',
    why: 'dhclient refuses an offer without a required option, and a server sends what it is asked for. The next start would get no lease, so Holdfast leaves the file as it is.',
    remedy: 'Take the option out of that line, or out of request.without.',
  },
  'HF-CONF-INCLUDE': {
    severity: 'warning',
    why: 'Holdfast does not edit included files. A statement in an included file wins over the statements before it.',
    remedy: 'Make sure that the included file sets no option that Holdfast holds.',
  },
  'HF-APPARMOR': {
    severity: 'warning',
    why: 'The hooks run inside dhclient-script. This AppArmor profile may forbid them to write /etc/resolv.conf and /run/holdfast.',
    remedy: 'Allow those writes in the profile (Ux, as Debian ships it), or in its file below /etc/apparmor.d/local.',
  },

  'HF-SYSCTL-OVERRIDDEN': {
    severity: 'problem',
    why: 'The line is read after 60-holdfast.conf, so its value wins at the next boot.',
    remedy: 'Remove the line.',
  },
  'HF-SYSCTL-PROGRAM': {
    severity: 'problem',
    why: 'The program or script writes its own value after systemd-sysctl, at its start or each time that it configures the link. The value is wrong until the daemon heals it.',
    remedy: 'Change the value in that file, or take the setting out of the configuration.',
  },
  'HF-SYSCTL-TUNED': {
    severity: 'note',
    why: 'tuned sets its own value first and then reads /etc/sysctl.d again, so ours counts in the end (reapply_sysctl in tuned-main.conf).',
    remedy: 'Leave reapply_sysctl on.',
  },
  'HF-SYSCTL-UNREADABLE': {
    severity: 'problem',
    why: 'The file may set a configured key to another value at boot, and that cannot be seen.',
    remedy: 'Make it a readable regular file, or take it away.',
  },
  'HF-SYSCTL-ELSEWHERE': {
    severity: 'note',
    why: '60-holdfast.conf is read later and wins. The line misleads its readers.',
    remedy: 'Remove the line.',
  },
  'HF-SYSCTL-GLOB': {
    severity: 'note',
    why: 'systemd-sysctl skips a pattern for keys that are also set by their full name. `sysctl -p FILE` by hand does not skip it.',
    remedy: 'Nothing for the boot. Do not load that file by hand.',
  },
  'HF-SYSCTL-PROCPS': {
    severity: 'warning',
    why: 'systemd-sysctl does not read /etc/sysctl.conf at boot. But `sysctl --system` reads that file last, and `sysctl -p` reads only that file: either puts this value back.',
    remedy: 'Remove the line.',
  },
  'HF-SYSCTL-UFW': {
    severity: 'warning',
    why: 'ufw sets this value each time it starts: at boot and at `ufw reload`.',
    remedy: 'Change the value in that file too, or remove the line.',
  },
  'HF-SYSCTL-BOOT': {
    severity: 'problem',
    why: 'Nothing on this host reads /etc/sysctl.d at boot. The settings are right now, and gone after the next boot.',
    remedy: 'Install procps, or boot with systemd.',
  },
  'HF-SYSCTL-DEFAULT': {
    severity: 'warning',
    why: 'conf.default is the first value of a new interface. It does not reach an IPv4 interface that has had an address, nor any existing IPv6 interface.',
    remedy: 'Configure the key for those interfaces too, or for conf.all if the kernel uses that for this key.',
  },
  'HF-SYSCTL-ALL': {
    severity: 'warning',
    why: 'The kernel combines conf.all and conf.INTERFACE, in a different way for each key (ip-sysctl.rst). One of the two does not decide.',
    remedy: 'Configure both.',
  },
  'HF-SYSCTL-FORWARD': {
    severity: 'note',
    why: 'A change of IPv4 forwarding makes the kernel reset conf.all.accept_redirects, conf.default.forwarding and every interface’s forwarding (ip-sysctl.rst). Holdfast writes it before the other keys.',
    remedy: 'Run `agent apply` after changing it by hand.',
  },

  'HF-FORWARD-DROP': {
    severity: 'warning',
    why: 'A packet is forwarded only if every forward chain accepts it. Docker sets such a policy, and accepts only its own packets.',
    remedy: 'Add a rule that accepts the packets to forward; for Docker, in the chain DOCKER-USER.',
  },
  'HF-FORWARDING-RA': {
    severity: 'note',
    why: 'A host that forwards IPv6 accepts router advertisements only if accept_ra is 2. Otherwise it gets no default route and no address from them.',
    remedy: 'If this interface needs them, hold sysctl net.ipv6.conf.INTERFACE.accept_ra: 2. Otherwise do nothing.',
  },
  'HF-MASQUERADE-IDLE': {
    severity: 'warning',
    why: 'No packet matches the rule.',
    remedy: 'Set forwarding.ipv4 or forwarding.ipv6 to true, or correct the interface.',
  },
  'HF-MASQUERADE-TWICE': {
    severity: 'note',
    why: 'The first matching rule translates, and nothing is translated twice. Removing only one of the rules changes nothing.',
    remedy: 'Keep one of the rules.',
  },
  'HF-NFTABLES-FLUSH': {
    severity: 'note',
    why: 'Each start, reload and stop of that service removes the table inet holdfast. At boot Holdfast makes its table afterwards. Later the daemon puts the table back at once; without the daemon the next `agent apply` does.',
    remedy:
      'Run the daemon; or replace "flush ruleset" in that file by "destroy table" for its own tables (nft 1.0.7).',
  },
  'HF-IPTABLES-LEGACY': {
    severity: 'note',
    why: 'The kernel passes every packet through these tables and through those of nftables. Neither program shows the rules of the other.',
    remedy: 'Look at both: iptables-legacy-save and nft list ruleset.',
  },

  'HF-DNSMASQ-STALE': {
    severity: 'warning',
    why: 'dnsmasq reads its configuration only when it starts, not at SIGHUP. Its clients get the routes that it read then.',
    remedy: 'Restart dnsmasq when it suits you. Holdfast does not restart it.',
  },
  'HF-DNSMASQ-SILENT': {
    severity: 'warning',
    why: 'The clients of the gateway are told to ask this host for names, and get no answer, or another one than this host.',
    remedy: 'Let the program that answers this host listen on the address of the clients’ network also.',
  },
  'HF-DNSMASQ-UNREAD': {
    severity: 'warning',
    why: 'The routes are in a file that no program reads.',
    remedy: 'Start dnsmasq, or let it read the folder: conf-dir=/etc/dnsmasq.d in its configuration.',
  },

  'HF-MAX-SIZE-ENFORCED': {
    severity: 'note',
    why: 'If the limit is too small, IPv6 fails in the way named. It never cleanly meant "number of routes".',
    remedy: 'Hold a high value: net.ipv6.route.max_size: { atLeast: 4194304 }.',
  },
  'HF-MAX-SIZE-IGNORED': {
    severity: 'note',
    why: 'This kernel does not enforce net.ipv6.route.max_size. Raising it has no effect.',
    remedy: 'Nothing.',
  },

  'HF-METADATA': {
    severity: 'warning',
    why: 'A route takes this value from the cloud, but the metadata service did not give it, or not lately. The last known value stays in use, however old.',
    remedy: 'Check whether the service answers (docs/metadata.md), or write the network itself in the route.',
  },

  'HF-ROUTES-NETWORKD': {
    severity: 'warning',
    why: '`agent run` puts these routes back at once. Until then, and without the daemon, they are missing.',
    remedy: 'Set ManageForeignRoutes=no in a file of /etc/systemd/networkd.conf.d, then restart systemd-networkd.',
  },
  'HF-ROUTES-NO-DEFAULT': {
    severity: 'warning',
    why: 'The present default route stays until its address or link goes. After that neither DHCP nor Holdfast brings one back.',
    remedy: 'Write a default route in `routes`, or make sure that a routing daemon or router advertisements bring one.',
  },
  'HF-ROUTES-NO-RULE': {
    severity: 'warning',
    why: 'The kernel looks up packets only in tables to which a policy rule or a VRF leads. `main` has such a rule from the start.',
    remedy: 'Write a rule under `rules`, or let the program that owns the table make one (docs/policy-rules.md).',
  },
  'HF-RULES-NETWORKD': {
    severity: 'warning',
    why: '`agent run` puts these rules back at once. Until then, and without the daemon, packets take other tables.',
    remedy:
      'Set ManageForeignRoutingPolicyRules=no in a file of /etc/systemd/networkd.conf.d, then restart systemd-networkd.',
  },
  'HF-MULTICAST-NOT-JOINED': {
    severity: 'warning',
    why: 'No program of this host has joined a multicast group that is expected (expect.groups), so the host receives nothing of it.',
    remedy: 'Make sure that the program runs, and that it joins on this interface.',
  },
  'HF-MULTICAST-BRIDGE': {
    severity: 'warning',
    why: 'The bridge leaves out ports where no host reported the group lately. Hosts report only when a querier asks.',
    remedy: 'Provide one querier on the link: `ip link set BRIDGE type bridge mcast_querier 1`, or a switch or router.',
  },
  'HF-MULTICAST-RP-FILTER': {
    severity: 'note',
    why: 'The kernel silently drops multicast from a sender that this host would not answer through the same interface.',
    remedy: 'If senders are on other networks, hold net.ipv4.conf.INTERFACE.rp_filter at 2: the larger value wins.',
  },
  'HF-MULTICAST-UNHEARD': {
    severity: 'note',
    why: 'Queries of IGMPv3 are heard only by a raw socket. For versions 1 and 2 the kernel keeps a record.',
    remedy: 'Give the service CapabilityBoundingSet=CAP_NET_RAW (docs/multicast.md), or do without.',
  },
} as const satisfies Record<string, Explanation>;

export type DoctorCode = keyof typeof DOCTOR_CODES;
