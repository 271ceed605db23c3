/**
 * Everything that `agent doctor` can find, by its code. A code is never given to anything else, so that scripts and
 * tickets may rely on it; docs/doctor.md has a section for each.
 *
 * `problem`: a configured setting is not held, or will be lost. `warning`: it may be, or it does not do what it seems to.
 * `note`: good to know. A check may give a finding another severity than the one here where it is certain.
 */
export type Severity = 'problem' | 'warning' | 'note';

interface Explanation {
  readonly severity: Severity;
  /** Why it matters. */
  readonly why: string;
  readonly remedy: string;
}

export const CODES = {
  'HF-CONFIG': {
    severity: 'problem',
    why: 'Without a valid configuration Holdfast holds nothing new; so everything that it could hold was looked at.',
    remedy: 'Correct it, or have `agent init` write one from what the host has now.',
  },
  'HF-UNSEEN': {
    severity: 'note',
    why: 'What could not be looked at may hide a problem.',
    remedy: 'Run `agent doctor` as root, on the host itself.',
  },
  'HF-PROGRAM-MISSING': {
    severity: 'problem',
    why: 'Holdfast, or its hook, needs the program.',
    remedy: 'Install the package named.',
  },
  'HF-SECRET-READABLE': {
    severity: 'warning',
    why: 'Whoever has it can report as this host, and what is shown of the fleet is no more to be believed.',
    remedy: 'chown root and chmod 600, or let systemd hand it over (LoadCredential=, docs/service.md).',
  },
  'HF-WHO': {
    severity: 'note',
    why: 'Where tracefs is mounted and writable `agent run` has the kernel watch what has drifted once, so that the next event names the process.',
    remedy: 'Nothing, or mount tracefs at /sys/kernel/tracing, as systemd does.',
  },
  'HF-ROUTE-FAILURES': {
    severity: 'note',
    why: 'A routing daemon that the kernel refuses a route often goes on in silence.',
    remedy:
      'Nothing where the kernel tells of it. Else name the daemons’ logs in probes.memory-errors.logs; the canary and the kernel’s counters tell of the host as a whole.',
  },

  'HF-RESOLV-LINK': {
    severity: 'problem',
    why: 'The file behind the link is made by somebody else, who makes it anew whenever they like.',
    remedy: 'Set dns.symlink to "replace" for a file of our own, or configure its owner and leave dns out.',
  },
  'HF-RESOLV-MOUNT': {
    severity: 'warning',
    why: 'A mount point cannot be renamed over: it is written in place, so a reader may see it empty or half for a moment.',
    remedy: 'Where the mount is not needed, unmount it; in a container, set DNS through the container engine.',
  },
  'HF-RESOLV-IMMUTABLE': {
    severity: 'problem',
    why: 'Nobody can change or replace the file, not even root.',
    remedy: 'chattr -i the file; Holdfast holds it without that.',
  },
  'HF-RESOLV-DAEMON': {
    severity: 'warning',
    why: 'It writes /etc/resolv.conf itself when its network changes, and then the configured DNS settings are gone until Holdfast repairs them.',
    remedy: 'Tell it to leave the file alone; docs/doctor.md says how for each program.',
  },
  'HF-RESOLV-RESOLVED': {
    severity: 'note',
    why: 'It does not write a regular resolv.conf but reads it; a program that asks it (nss-resolve, 127.0.0.53, D-Bus) gets neither sortlist nor options of the file.',
    remedy: 'Where that matters, see the hosts line of nsswitch.conf, or stop the service.',
  },
  'HF-RESOLVED': {
    severity: 'note',
    why: 'It answers for libc, so it is told itself, link by link, and resolv.conf stays its own. It has no sortlist and no options.',
    remedy: 'Where those matter, set dns.symlink to "replace": libc then asks the name servers itself.',
  },
  'HF-NETWORKD-LATER': {
    severity: 'warning',
    why: 'The drop-in comes after ours, so what it says of name servers and domains is what the next boot has.',
    remedy: 'Take its DNS=, Domains=, UseDNS= and UseDomains= out, or give it a name before zz-holdfast.conf.',
  },
  'HF-RESOLV-CLOUD-INIT': {
    severity: 'warning',
    why: 'cloud-init writes /etc/resolv.conf at the first boot of an instance, and so on every clone of the disk.',
    remedy: 'Set manage_resolv_conf to false.',
  },
  'HF-RESOLV-LIMITS': {
    severity: 'warning',
    why: 'The C library reads only so many and ignores the rest without a word.',
    remedy: 'Take out what is not needed; configured under dns, the number is checked.',
  },

  'HF-LIBC-SORTLIST': {
    severity: 'note',
    why: 'With glibc, sortlist orders what gethostbyname gives (and `getent hosts`). getaddrinfo heeds it for AF_INET alone, and there only among addresses that RFC 6724 ranks alike; for AF_UNSPEC, which most programs use, not at all. musl and c-ares ignore it, and what another service than dns answered is not sorted.',
    remedy: 'Do not rely on sortlist for programs that call getaddrinfo.',
  },
  'HF-LIBC-MUSL': {
    severity: 'warning',
    why: 'Programs linked with musl ignore sortlist.',
    remedy: 'Do not rely on sortlist for those programs.',
  },
  'HF-LIBC-CARES': {
    severity: 'note',
    why: 'A running program that resolves with c-ares keeps the resolv.conf that it read at its start, and ignores sortlist; glibc reads a replaced file at the next look-up.',
    remedy: 'After a change of DNS settings, restart the programs that use c-ares.',
  },
  'HF-NSS-ORDER': {
    severity: 'warning',
    why: 'It stands before dns: what it answers, or ends with [NOTFOUND=return], never reaches the servers of resolv.conf.',
    remedy: 'Put dns before it in /etc/nsswitch.conf, or take it out, if those names are to come from DNS.',
  },
  'HF-NSS-NO-DNS': {
    severity: 'problem',
    why: 'The C library does not read resolv.conf for host names at all.',
    remedy: 'Add dns to the hosts line of /etc/nsswitch.conf.',
  },
  'HF-NSCD': {
    severity: 'note',
    why: 'Programs get host names from its cache, which may still hold answers of the old servers.',
    remedy: 'After a change: nscd -i hosts.',
  },

  'HF-HOOK-REDEFINES': {
    severity: 'problem',
    why: 'It comes after ours and defines make_resolv_conf again, so at every lease its version writes resolv.conf, not ours.',
    remedy: 'Remove the hook, or rename it so that it sorts before zz-holdfast.',
  },
  'HF-HOOK-WRITES': {
    severity: 'warning',
    why: 'It seems to write resolv.conf at every lease.',
    remedy: 'Remove the hook, or that part of it; Holdfast does that work.',
  },
  'HF-HOOK-AFTER': {
    severity: 'note',
    why: 'It runs after ours, so what it does to the new_… variables and to resolv.conf is the last word.',
    remedy: 'Look at what it does; rename it to sort before zz-holdfast if it need not be last.',
  },
  'HF-HOOK-SYNTAX': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script: the error ends the script, and dhclient declines its lease, again and again.',
    remedy: 'Correct the hook, or remove it.',
  },
  'HF-HOOK-EXIT': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script: exit ends the whole script, the address is not configured or the lease is declined, and no later hook runs.',
    remedy: 'Write return in its place.',
  },
  'HF-HOOK-SHELL-OPTION': {
    severity: 'problem',
    why: 'Hooks are sourced into dhclient-script: the option stays set, the first harmless failure or unset variable ends the script, and dhclient declines its lease.',
    remedy: 'Remove it, or put what needs it in a subshell: ( … ).',
  },
  'HF-HOOK-IGNORED': {
    severity: 'warning',
    why: 'run-parts takes only names of letters, digits, "_" and "-": this hook never runs.',
    remedy: 'Rename it without the dot, or remove it.',
  },

  'HF-DHCLIENT-ABSENT': {
    severity: 'note',
    why: 'There is no ISC dhclient here, so no lease rewrites resolv.conf, and the settings under dhclient have nowhere to go.',
    remedy: 'Install isc-dhcp-client if it is meant to be here.',
  },
  'HF-DHCLIENT-TWICE': {
    severity: 'warning',
    why: 'Each renews by itself and runs the script by itself; they may hold different leases, and the one that is stopped takes the address away from the other.',
    remedy: 'Find out who starts each (ifup, a unit, a script) and end one of them.',
  },
  'HF-LEASE-CONTESTED': {
    severity: 'problem',
    why: 'Each takes a lease of its own, sets the address and the routes, and writes its own name servers; what one is told the other undoes.',
    remedy: 'Leave the interface to one of them: docs/clients.md says how for each.',
  },
  'HF-DHCLIENT-STALE': {
    severity: 'note',
    why: 'It reads its configuration only at its start. The hooks hold the settings until then; what it requests from the server changes only with a new start.',
    remedy: 'Nothing, unless dhclient.request was changed: then start it again when it suits you.',
  },
  'HF-DHCLIENT-CONF': {
    severity: 'problem',
    why: 'The file that it was started with is gone: started again the same way, it has no configuration at all.',
    remedy: 'Restore the file, or start dhclient with another one.',
  },
  'HF-DHCLIENT-SCRIPT': {
    severity: 'problem',
    why: 'Its script (-sf) sources no hooks, so nothing holds its settings at the next lease.',
    remedy: 'Start it with dhclient-script, or have that script source the enter and exit hooks.',
  },
  'HF-DHCLIENT-OWNER': {
    severity: 'problem',
    why: 'Another program runs it with a configuration made anew at each start and a script of its own: neither dhclient.conf nor the hooks reach it.',
    remedy: 'Configure DNS in that program, or take the interface away from it.',
  },
  'HF-DHCP-OTHER': {
    severity: 'warning',
    why: 'What is configured under dhclient does not reach this client; docs/clients.md says with which ones Holdfast holds dns.',
    remedy: 'If it serves the same interfaces, configure them there.',
  },
  'HF-CONF-SYNTAX': {
    severity: 'problem',
    why: 'dhclient goes on after an error, but often without the next valid statement; Holdfast does not edit such a file.',
    remedy: 'Correct the line, then `agent apply`.',
  },
  'HF-CONF-INCLUDE': {
    severity: 'warning',
    why: 'Holdfast does not edit included files, and what they set after the statements above them wins.',
    remedy: 'Make sure that it sets no option that is configured here.',
  },
  'HF-APPARMOR': {
    severity: 'warning',
    why: 'The hooks run inside dhclient-script; confined by this profile, they may not be allowed to write /etc/resolv.conf and /run/holdfast.',
    remedy: 'Allow it in the profile (Ux, as Debian ships it), or in its file below /etc/apparmor.d/local.',
  },

  'HF-SYSCTL-OVERRIDDEN': {
    severity: 'problem',
    why: 'It is read after 60-holdfast.conf, so at the next boot its value wins.',
    remedy: 'Take the line out.',
  },
  'HF-SYSCTL-ELSEWHERE': {
    severity: 'note',
    why: '60-holdfast.conf is read later and wins; the line misleads who reads it.',
    remedy: 'Take the line out.',
  },
  'HF-SYSCTL-GLOB': {
    severity: 'note',
    why: 'systemd-sysctl passes over a pattern for keys that are set by their full name; `sysctl -p FILE` by hand does not.',
    remedy: 'Nothing at boot; do not load that file by hand.',
  },
  'HF-SYSCTL-PROCPS': {
    severity: 'warning',
    why: 'systemd-sysctl does not read /etc/sysctl.conf at boot, but `sysctl --system` reads it last and `sysctl -p` reads it alone: either puts this value back.',
    remedy: 'Take the line out.',
  },
  'HF-SYSCTL-UFW': {
    severity: 'warning',
    why: 'ufw sets it each time that it starts, at boot and at `ufw reload`.',
    remedy: 'Change it in that file too, or take the line out.',
  },
  'HF-SYSCTL-BOOT': {
    severity: 'problem',
    why: 'Nothing here reads /etc/sysctl.d at boot: the settings are right now and gone after it.',
    remedy: 'Install procps, or boot with systemd.',
  },
  'HF-SYSCTL-DEFAULT': {
    severity: 'warning',
    why: 'conf.default is what a new interface begins with. It does not reach an IPv4 interface that has had an address, nor any existing IPv6 one.',
    remedy: 'Configure the key for those interfaces too, or for conf.all where the kernel heeds that.',
  },
  'HF-SYSCTL-ALL': {
    severity: 'warning',
    why: 'The kernel combines conf.all and conf.INTERFACE, each key in its own way (ip-sysctl.rst); one of them alone does not decide.',
    remedy: 'Configure both.',
  },
  'HF-SYSCTL-FORWARD': {
    severity: 'note',
    why: 'Whoever changes IPv4 forwarding makes the kernel set conf.all.accept_redirects, conf.default.forwarding and every interface’s forwarding anew (ip-sysctl.rst). Holdfast writes it before the others.',
    remedy: 'After changing it by hand, `agent apply`.',
  },

  'HF-FORWARD-DROP': {
    severity: 'warning',
    why: 'A packet is forwarded only if every forward chain accepts it. Docker sets such a policy, and accepts what is its own.',
    remedy: 'Have it accept what is to be forwarded; for Docker in the chain DOCKER-USER.',
  },
  'HF-FORWARDING-RA': {
    severity: 'note',
    why: 'A host that forwards IPv6 believes router advertisements only where accept_ra is 2: there it gets no default route and no address by them.',
    remedy: 'Where one is to come so, hold sysctl net.ipv6.conf.INTERFACE.accept_ra: 2; else nothing.',
  },
  'HF-MASQUERADE-IDLE': {
    severity: 'warning',
    why: 'No packet meets the rule.',
    remedy: 'Set forwarding.ipv4 or forwarding.ipv6 to true, or correct the interface.',
  },
  'HF-MASQUERADE-TWICE': {
    severity: 'note',
    why: 'Whichever comes first does it; nothing is translated twice. But to take one of them out changes nothing.',
    remedy: 'Keep one of them.',
  },
  'HF-NFTABLES-FLUSH': {
    severity: 'note',
    why: 'Each start, reload and stop of that service takes the table inet holdfast along. At boot ours comes after it; then the daemon puts it back at once, without a daemon the next `agent apply`.',
    remedy: 'Run the daemon; or write "destroy table" of its own tables in place of "flush ruleset" (nft 1.0.7).',
  },
  'HF-IPTABLES-LEGACY': {
    severity: 'note',
    why: 'The kernel passes every packet through these tables and through those of nftables, and neither program shows the rules of the other.',
    remedy: 'Look at both: iptables-legacy-save and nft list ruleset.',
  },

  'HF-DNSMASQ-STALE': {
    severity: 'warning',
    why: 'dnsmasq reads its configuration at its start alone, SIGHUP or not: its clients are told of the routes that it read then.',
    remedy: 'Restart it when it suits you; Holdfast does not.',
  },
  'HF-DNSMASQ-UNREAD': {
    severity: 'warning',
    why: 'The routes are in a file that nobody reads.',
    remedy: 'Start dnsmasq, or have it read the folder: conf-dir=/etc/dnsmasq.d in its configuration.',
  },

  'HF-MAX-SIZE-ENFORCED': {
    severity: 'note',
    why: 'Where it is too small, IPv6 fails in the way named; it never cleanly meant "number of routes".',
    remedy: 'Hold it high: net.ipv6.route.max_size: { atLeast: 4194304 }.',
  },
  'HF-MAX-SIZE-IGNORED': {
    severity: 'note',
    why: 'This kernel does not enforce net.ipv6.route.max_size: raising it does no harm and no good.',
    remedy: 'Nothing.',
  },

  'HF-METADATA': {
    severity: 'warning',
    why: 'A route leaves it to the cloud, whose metadata service did not give it, or not lately. What was known stays, however old.',
    remedy: 'See whether the service answers (docs/metadata.md), or write the network itself in the route.',
  },

  'HF-ROUTES-NETWORKD': {
    severity: 'warning',
    why: '`agent run` puts them back at once, but until then, and without it, they are missing.',
    remedy: 'ManageForeignRoutes=no in a file of /etc/systemd/networkd.conf.d, then restart systemd-networkd.',
  },
  'HF-ROUTES-NO-DEFAULT': {
    severity: 'warning',
    why: 'What is in the kernel stays until its address or link goes; then nothing of DHCP or Holdfast brings a default route back.',
    remedy: 'Write one in `routes`, or see that a routing daemon or router advertisements bring it.',
  },
  'HF-MULTICAST-NOT-JOINED': {
    severity: 'warning',
    why: 'No program of this host has joined a multicast group that is expected (expect.groups), so none of it is taken in.',
    remedy: 'See that the program runs, and that it joins on this interface.',
  },
  'HF-MULTICAST-BRIDGE': {
    severity: 'warning',
    why: 'It leaves out ports where nobody reported the group lately, and hosts report when a querier asks.',
    remedy: 'Have one querier on the link: `ip link set BRIDGE type bridge mcast_querier 1`, or a switch or router.',
  },
  'HF-MULTICAST-RP-FILTER': {
    severity: 'note',
    why: 'Multicast whose sender this host would not answer through the same interface is dropped without a word.',
    remedy: 'Where senders are elsewhere: hold net.ipv4.conf.INTERFACE.rp_filter at 2, which wins.',
  },
  'HF-MULTICAST-UNHEARD': {
    severity: 'note',
    why: 'Whether an IGMPv3 querier asks can only be heard by a raw socket; of versions 1 and 2 the kernel itself tells.',
    remedy: 'CapabilityBoundingSet=CAP_NET_RAW for the service (docs/multicast.md), or do without.',
  },
} as const satisfies Record<string, Explanation>;

export type Code = keyof typeof CODES;
