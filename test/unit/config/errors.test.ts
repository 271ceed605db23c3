/** A configuration with errors reports each of them, without control characters from the file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatConfigError, show } from '../../../agent/config/config-error.ts';
import { errorsOf } from '../../parts/config-memory.ts';

/** Each text with all its errors; `agent.yaml:` is left out of them. */
const ERRORS: [yaml: string, ...errors: string[]][] = [
  // names
  ['dsn: {}', '1:1: dsn: unknown key; did you mean "dns"?'],
  [
    'other: 1',
    '1:1: other: unknown key; write one of dns, dhcp, dhclient, sysctl, routes, rules, metadata, forwarding, egress, ledger, retire, report, confirm, probes, expect, hold, reload',
  ],
  [
    'ledger: off\nretire: [10.0.0.1]',
    '1:9: ledger: is off, so nobody counts who asks the addresses of retire; write retiring',
  ],
  ['retire: [10.0.0.0/24]', '1:10: retire[0]: "10.0.0.0/24" is no IP address; write 10.0.0.0'],
  ['dns: { nameserver: [10.0.0.1] }', '1:8: dns.nameserver: unknown key; did you mean "nameservers"?'],
  [
    'dhclient: { interfaces: { eth0: { requests: {} } } }',
    '1:35: dhclient.interfaces.eth0.requests: unknown key; did you mean "request"?',
  ],
  [
    'dns: { domain: "a\\nb" }',
    '1:16: dns.domain: "a\\nb" is not a domain name; write labels of letters, digits, - and _ (at most 63 each), such as dev.example.com',
  ],
  [
    'dns: { domain: "$(id).x" }',
    '1:16: dns.domain: "$(id).x" is not a domain name; write labels of letters, digits, - and _ (at most 63 each), such as dev.example.com',
  ],
  ['dns: { domain: example.com. }', '1:16: dns.domain: "example.com." ends with a dot; write example.com'],
  ['dns: { domain: bücher.example }', '1:16: dns.domain: "bücher.example" is not ASCII; write xn--bcher-kva.example'],
  [
    'dns: { search: [a.example b.example] }',
    '1:17: dns.search[0]: "a.example b.example" is not one domain name; write a list: [a.example, b.example]',
  ],
  ['dns: { search: a.example }', '1:16: dns.search: write a list: [a.example]'],
  ['dns: { search: [] }', '1:16: dns.search: is empty; write a domain, or leave the key out'],
  ['dns: { search: [a.b, c.d, a.b] }', '1:27: dns.search[2]: "a.b" is listed above already; keep one of them'],
  // egress
  ['egress: {}', '1:9: egress.default: is missing; write it'],
  ['egress: { default: dhcp }', '1:20: egress.default: "dhcp" is not known; write bgp'],
  ['egress: { default: bgp, dhcp: keep }', '1:31: egress.dhcp: "keep" is not known; write one of drop, behind'],
  // verify
  ['dns: { nameservers: [10.0.0.1], verify: {} }', '1:41: dns.verify.name: is missing; write it'],
  [
    'dns: { verify: { name: a.b } }',
    '1:8: dns.verify: proves name servers, but none are configured; write dns.nameservers',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, quorum: 2 } }',
    '1:62: dns.verify.quorum: is more than the number of name servers; write at most 1',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, quorum: 0 } }',
    '1:62: dns.verify.quorum: write a whole number from 1',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, timeout: 2 } }',
    '1:63: dns.verify.timeout: 2 has no unit; write 2s',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, timeout: 1m } }',
    '1:63: dns.verify.timeout: "1m" is out of range; write 100ms to 10s',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, expect: [] } }',
    '1:62: dns.verify.expect: is empty, and no answer would be right; write a network, or leave the key out',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b, expect: [10.72.1.0/16, 10.0.0.0/33, x, "2001:db8::1/32"] } }',
    '1:63: dns.verify.expect[0]: "10.72.1.0/16" has host bits set; write 10.72.0.0/16, or 10.72.1.0 for this one address',
    '1:77: dns.verify.expect[1]: "33" is no prefix length; write 0 to 32',
    '1:90: dns.verify.expect[2]: "x" is no network; write one such as 10.72.0.0/16 or 2001:db8::/32',
    '1:93: dns.verify.expect[3]: "2001:db8::1/32" has host bits set; write 2001:db8::/32, or 2001:db8::1 for this one address',
  ],
  // split
  ['dns: { split: [] }', '1:15: dns.split: is empty; write an entry, or leave the key out'],
  [
    'dns: { split: [{ domains: [], servers: [] }] }',
    '1:27: dns.split[0].domains: is empty; write a domain, or take the entry out',
    '1:40: dns.split[0].servers: is empty, and nobody would be asked; write an address, or take the entry out',
  ],
  [
    'dns: { split: [{ domains: [a.example, A.example], servers: [10.0.0.2] }, { domains: [a.EXAMPLE], servers: [10.0.0.3] }] }',
    '1:39: dns.split[0].domains[1]: a.example is listed above already; keep one of them',
    '1:86: dns.split[1].domains[0]: a.example is listed above already; keep one of them',
  ],
  [
    'dns: { split: [{ domains: [., 10.0.0.0/8, 10.1.0.0/20, "2001:db8::/32", ~a.example], servers: [10.0.0.2] }] }',
    '1:28: dns.split[0].domains[0]: "." is every name; write the servers of every name under dns.nameservers',
    '1:31: dns.split[0].domains[1]: "10.0.0.0/8" is no domain; write the domain of the names of its addresses: 10.in-addr.arpa',
    '1:43: dns.split[0].domains[2]: "10.1.0.0/20" is no domain; write the domain of the names of its addresses, such as 10.in-addr.arpa for 10.0.0.0/8',
    '1:56: dns.split[0].domains[3]: "2001:db8::/32" is no domain; write the domain of the names of its addresses: 8.b.d.0.1.0.0.2.ip6.arpa',
    '1:73: dns.split[0].domains[4]: "~a.example" is not a domain name; write a.example',
  ],
  [
    'dns: { split: [{ domains: [a.example], servers: [127.0.0.53, "::1", "::ffff:127.0.0.1", "fe80::1"] }] }',
    '1:50: dns.split[0].servers[0]: "127.0.0.53" is this host, which would ask itself; write the address of another host',
    '1:62: dns.split[0].servers[1]: "::1" is this host, which would ask itself; write the address of another host',
    '1:69: dns.split[0].servers[2]: "::ffff:127.0.0.1" is this host, which would ask itself; write the address of another host',
    '1:89: dns.split[0].servers[3]: "fe80::1" is link-local and needs its interface; write fe80::1%eth0',
  ],
  [
    `dns: { split: [{ domains: [a.example], servers: [${Array.from({ length: 9 }, (_, i) => `10.0.0.${i + 1}`).join(', ')}] }] }`,
    '1:49: dns.split[0].servers: has more than 8 servers; take some out',
  ],
  [
    'dns: { split: [{ domains: [a.example], servers: [10.0.0.2], verify: x.a.example }] }',
    '1:61: dns.split[0].verify: is looked up only as a part of dns.verify; write dns.verify, or leave this out',
  ],
  [
    'dns: { nameservers: [10.0.0.1], verify: { name: a.b }, split: [{ domains: [a.example], servers: [10.0.0.2], verify: xa.example }] }',
    '1:117: dns.split[0].verify: xa.example is in none of these domains; write a name that ends with .a.example',
  ],
  // addresses
  ['dns: { nameservers: 10.0.0.1 }', '1:21: dns.nameservers: write a list: [10.0.0.1]'],
  [
    'dns: { nameservers: [10.1] }',
    '1:22: dns.nameservers[0]: 10.1 is a number to YAML; write a plain decimal integer, or put it in quotes if you mean text',
  ],
  [
    'dns: { nameservers: ["010.0.0.1"] }',
    '1:22: dns.nameservers[0]: "010.0.0.1" is not an IP address; write one such as 10.0.0.53',
  ],
  [
    'dns: { nameservers: [fe80::1] }',
    '1:22: dns.nameservers[0]: "fe80::1" is link-local and needs its interface; write fe80::1%eth0',
  ],
  [
    'dns: { nameservers: ["2001:db8::1%eth0"] }',
    '1:22: dns.nameservers[0]: "2001:db8::1%eth0" is not link-local; write only 2001:db8::1',
  ],
  [
    'dns: { nameservers: ["fe80::1%a;b"] }',
    '1:22: dns.nameservers[0]: "a;b" is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100',
  ],
  ['dns: { nameservers: [0.0.0.0] }', '1:22: dns.nameservers[0]: "0.0.0.0" is no address; write a name server\'s own'],
  [
    'dns: { nameservers: [224.0.0.1] }',
    '1:22: dns.nameservers[0]: "224.0.0.1" is a multicast address; write a name server\'s own',
  ],
  [
    'dns: { nameservers: [10.0.0.1, 10.0.0.2, x, 10.0.0.4] }',
    '1:21: dns.nameservers: has more than 3 servers, and libc reads only so many; take some out',
    '1:42: dns.nameservers[2]: "x" is not an IP address; write one such as 10.0.0.53',
  ],
  [
    `dns: { sortlist: [${Array.from({ length: 11 }, (_, i) => `10.${i}.0.0/16`).join(', ')}] }`,
    '1:18: dns.sortlist: has more than 10 pairs, and libc reads only so many; take some out',
  ],
  [
    'dns: { sortlist: [10.1.2.3/16] }',
    '1:19: dns.sortlist[0]: "10.1.2.3/16" has host bits set, so libc would never match it; write 10.1.0.0/16',
  ],
  [
    'dns: { sortlist: [10.1.0.0/255.0.255.0] }',
    '1:19: dns.sortlist[0]: "255.0.255.0" is no netmask; write a prefix of 0 to 32, such as 10.1.0.0/24, or 255.255.255.0',
  ],
  [
    'dns: { sortlist: [10.1.0.0/33] }',
    '1:19: dns.sortlist[0]: "33" is no netmask; write a prefix of 0 to 32, such as 10.1.0.0/24, or 255.255.255.0',
  ],
  [
    'dns: { sortlist: [10.72.52.100] }',
    '1:19: dns.sortlist[0]: "10.72.52.100" has no netmask; write 10.72.52.100/32 for this one address',
  ],
  [
    'dns: { sortlist: ["2001:db8::/32"] }',
    '1:19: dns.sortlist[0]: "2001:db8::/32" is IPv6; libc\'s sortlist takes IPv4 only',
  ],
  [
    'dns: { sortlist: [{ nearest: { name: puppet, port: 70000, trys: 3 } }] }',
    '1:38: dns.sortlist[0].nearest.name: "puppet" is not a full name; write it with its domain, such as puppet.example.com',
    '1:52: dns.sortlist[0].nearest.port: write a whole number from 1 to 65535',
    '1:59: dns.sortlist[0].nearest.trys: unknown key; did you mean "tries"?',
  ],
  [
    'dns: { sortlist: [{ nearest: { name: 10.72.52.100, port: 8140 } }, { nearest: { port: "8140" } }, 7, {}] }',
    '1:38: dns.sortlist[0].nearest.name: "10.72.52.100" is an address and no name; write 10.72.52.100/32 in the sortlist itself',
    '1:79: dns.sortlist[1].nearest.name: is missing; write it',
    '1:87: dns.sortlist[1].nearest.port: is text; write it without quotes: 8140',
    '1:99: dns.sortlist[2]: write a network, such as 10.72.0.0/16, or { nearest: { name: puppet.example.com, port: 8140 } }',
    '1:102: dns.sortlist[3].nearest: is missing; write it',
  ],
  [
    'dns: { sortlist: [{ nearest: { name: a.example, port: 1 } }, { nearest: { name: A.example, port: 1, interval: 5 } }] }',
    '1:62: dns.sortlist[1]: a.example:1 is listed above already; keep one of them',
    '1:111: dns.sortlist[1].nearest.interval: 5 has no unit; write 5s',
  ],
  // options
  ['dns: { options: [rotat] }', '1:18: dns.options[0]: "rotat" is no option of resolv.conf(5); did you mean "rotate"?'],
  [
    'dns: { options: ["timeout:31"] }',
    '1:18: dns.options[0]: "timeout:31" needs a number from 1 to 30; write timeout:30',
  ],
  ['dns: { options: [ndots] }', '1:18: dns.options[0]: "ndots" needs a number from 0 to 15; write ndots:1'],
  ['dns: { options: ["rotate:1"] }', '1:18: dns.options[0]: "rotate:1" takes no number; write rotate'],
  ['dns: { options: [constructor] }', '1:18: dns.options[0]: "constructor" is no option of resolv.conf(5)'],
  ['dns: { options: [timeout: 1] }', '1:18: dns.options[0]: has a blank after the colon; write timeout:1'],
  ['dns: { symlink: no }', '1:17: dns.symlink: "no" is not known; write one of refuse, replace, follow'],
  // dhclient
  [
    'dhclient: { supersede: { ntp-server: 10.0.0.1 } }',
    '1:26: dhclient.supersede.ntp-server: "ntp-server" is no option of dhcp-options(5); did you mean "ntp-servers"?',
  ],
  [
    'dhclient: { supersede: { ntp-servers: x } }',
    '1:39: dhclient.supersede.ntp-servers: "x": write an IPv4 address, such as 10.0.0.1',
  ],
  [
    'dhclient: { supersede: { ntp-servers: { a: 1 } } }',
    '1:39: dhclient.supersede.ntp-servers: write a value or a list of values',
  ],
  [
    'dhclient: { supersede: { ntp-servers: [[10.0.0.1]] } }',
    '1:40: dhclient.supersede.ntp-servers[0]: write a text, a whole number, true or false',
  ],
  [
    'dhclient: { request: { without: [router] } }',
    '1:34: dhclient.request.without[0]: "router" is no option of dhcp-options(5); did you mean "routers"?',
  ],
  [
    'dhclient: { supersede: { routers: 10.0.0.1 }, ignore: [classless-routes, routers] }',
    '1:74: dhclient.ignore[1]: supersede sets routers; keep one of them',
  ],
  [
    'dhclient: { ignore: [gateways] }',
    '1:22: dhclient.ignore[0]: "gateways" is not known; write one of routers, classless-routes',
  ],
  [
    'dhclient: { request: { without: [routers], also: [routers] } }',
    '1:51: dhclient.request.also[0]: is also listed under without; keep one of them',
  ],
  [
    'dhclient: { interfaces: { "a/b": {} } }',
    '1:27: dhclient.interfaces.a/b: "a/b" is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100',
  ],
  [
    'dns: { domain: a.example }\ndhclient: { supersede: { domain-name: b.example } }',
    '2:26: dhclient.supersede.domain-name: dns.domain sets this already; write it only there',
  ],
  [
    'dhclient: { interfaces: { eth0: { supersede: { domain-name-servers: [10.0.0.1] } } } }',
    '1:48: dhclient.interfaces.eth0.supersede.domain-name-servers: the host has one resolv.conf, not one for each interface; set dns.nameservers',
  ],
  // sysctl
  [
    'sysctl: { net.a.b: yes, net.a.c: false }',
    '1:20: sysctl.net.a.b: "yes": write 1',
    '1:34: sysctl.net.a.c: false: write 0',
  ],
  [
    'sysctl: { net.a.b: 1e3 }',
    '1:20: sysctl.net.a.b: 1e3 is a number to YAML; write 1000, or put it in quotes if you mean text',
  ],
  [
    'sysctl: { net.a.b: 010 }',
    '1:20: sysctl.net.a.b: 010 is a number to YAML; write 10, or put it in quotes if you mean text',
  ],
  [
    'sysctl: { net.a.b: "1\\n2" }',
    '1:20: sysctl.net.a.b: "1\\n2" has a line break or control character; write one line',
  ],
  ['sysctl: { net.a.b: é }', '1:20: sysctl.net.a.b: "é" is not ASCII, as all kernel settings are; write it in ASCII'],
  ['sysctl: { net.a.b: " 1" }', '1:20: sysctl.net.a.b: " 1" begins or ends with a blank; write "1"'],
  ['sysctl: { net.a.b: "" }', '1:20: sysctl.net.a.b: is empty; write a value, such as 1'],
  ['sysctl: { net.a.b: [1] }', '1:20: sysctl.net.a.b: is a list; write 1'],
  ['sysctl: { net.a.b: {} }', '1:20: sysctl.net.a.b: write value or atLeast beside it'],
  [
    'sysctl: { net.a.b: { value: 1, atLeast: 1 } }',
    '1:20: sysctl.net.a.b: has both value and atLeast; keep one of them',
  ],
  ['sysctl: { net.a.b: { value: true } }', '1:29: sysctl.net.a.b.value: true: write 1'],
  ['sysctl: { net.a.b: { atLeast: -1 } }', '1:31: sysctl.net.a.b.atLeast: write a number that is not negative'],
  [
    'sysctl: { net.a.b: { atLeast: "9" } }',
    '1:31: sysctl.net.a.b.atLeast: write a whole number that is not negative, without quotes',
  ],
  ['sysctl: { net.a.b: { value: 1, optional: yes } }', '1:42: sysctl.net.a.b.optional: "yes": write true'],
  ['sysctl: { net.a.b: { atleast: 1 } }', '1:22: sysctl.net.a.b.atleast: unknown key; did you mean "atLeast"?'],
  ['sysctl: { net.*.b: 1 }', '1:11: sysctl.net.*.b: "net.*.b" is a pattern; write each key out'],
  [
    'sysctl: { -net.a.b: 1 }',
    '1:11: sysctl.-net.a.b: "-net.a.b" begins with -; write { value: …, optional: true } if the key may be missing',
  ],
  [
    'sysctl: { /proc/sys/net/a: 1 }',
    '1:11: sysctl./proc/sys/net/a: "/proc/sys/net/a" must be as sysctl shows it; leave /proc/sys out',
  ],
  [
    'sysctl: { net/../../etc: 1 }',
    '1:11: sysctl.net/../../etc: "net/../../etc" is not a key; write one such as net.ipv4.ip_forward',
  ],
  [
    'sysctl: { net.ipv4.//.x: 1 }',
    '1:11: sysctl.net.ipv4.//.x: "net.ipv4.//.x" is not a key; write one such as net.ipv4.ip_forward',
  ],
  [
    'sysctl:\n  net.ipv4.route.flush: 1\n  vm.drop_caches: 3',
    ...['2:3: sysctl.net.ipv4.route.flush', '3:3: sysctl.vm.drop_caches'].map(
      (at) =>
        `${at}: is a command, and a command holds no value: the kernel acts on it once. Take it out, and run it with sysctl -w`,
    ),
  ],
  [
    'sysctl: { net.ipv4.conf.bond0.354.rp_filter: 1 }',
    '1:11: sysctl.net.ipv4.conf.bond0.354.rp_filter: names no interface; for the interface bond0.354 write net/ipv4/conf/bond0.354/rp_filter',
  ],
  [
    'sysctl: { net.ipv6.neigh.eth0.1.2.retrans_time_ms: 1000 }',
    '1:11: sysctl.net.ipv6.neigh.eth0.1.2.retrans_time_ms: names no interface; for the interface eth0.1.2 write net/ipv6/neigh/eth0.1.2/retrans_time_ms',
  ],
  [
    'sysctl:\n  net.ipv4.ip_forward: 1\n  net.ipv4.conf.all.forwarding: 0',
    '3:3: sysctl.net.ipv4.conf.all.forwarding: is the same variable of the kernel as net.ipv4.ip_forward of agent.yaml:2, and the two contradict each other; keep one of them',
  ],
  [
    'sysctl:\n  net.ipv4.neigh.eth0.base_reachable_time: 30\n  net.ipv4.neigh.eth0.base_reachable_time_ms: 30000',
    '3:3: sysctl.net.ipv4.neigh.eth0.base_reachable_time_ms: is the same variable of the kernel as net.ipv4.neigh.eth0.base_reachable_time of agent.yaml:2, in other units; keep one of them',
  ],
  [
    'sysctl: { net.ipv4.ip_local_reserved_ports: "8080, 8081", net.ipv4.tcp_fastopen_key: xy }',
    '1:45: sysctl.net.ipv4.ip_local_reserved_ports: "8080, 8081" is not a list as the kernel reads it; write "8080,8081"',
    '1:86: sysctl.net.ipv4.tcp_fastopen_key: the value is not a key as the kernel reads it; write one such as "00112233-44556677-8899aabb-ccddeeff"',
  ],
  [
    'sysctl: { net.ipv4.ip_local_reserved_ports: { atLeast: 1 } }',
    '1:47: sysctl.net.ipv4.ip_local_reserved_ports.atLeast: is for numbers, and this key holds none; write value',
  ],
  [
    'confirm: { within: 5, inbound: 0, also: [{ tcp: "10.0.0.5" }, { tcp: "fd00::5:22" }, { tcp: "[10.0.0.5]:22" }, { tcp: "a:0" }] }',
    '1:20: confirm.within: 5 has no unit; write 5s',
    '1:32: confirm.inbound: write a whole number from 1 to 65535',
    '1:49: confirm.also[0].tcp: "10.0.0.5" is no address with a port; write one such as 10.0.0.5:22',
    '1:70: confirm.also[1].tcp: "fd00::5:22": write the address in brackets: [fd00::5]:22',
    '1:93: confirm.also[2].tcp: "[10.0.0.5]:22": only an IPv6 address is written in brackets; write 10.0.0.5:22',
    '1:119: confirm.also[3].tcp: "a:0": 0 is no port; write 1 to 65535',
  ],
  [
    'confirm: { also: [{ ping: gatway }, { tcp: "a:1", ping: gateway }, {}, 5] }',
    '1:27: confirm.also[0].ping: "gatway" is no address; write gateway, or an address such as 10.0.0.5',
    '1:37: confirm.also[1]: write { tcp: "10.0.0.5:22" }, { ping: gateway } or { host: db1.example.com }',
    '1:68: confirm.also[2]: write { tcp: "10.0.0.5:22" }, { ping: gateway } or { host: db1.example.com }',
    '1:72: confirm.also[3]: write { tcp: "10.0.0.5:22" }, { ping: gateway } or { host: db1.example.com }',
  ],
  [
    'confirm: { by: collector, inbound: 22, also: [{ host: db1 }] }',
    '1:16: confirm.by: needs the collector itself, and there is no report.endpoint; take one of the two out',
    '1:36: confirm.inbound: needs the collector to connect to this port, and there is no report.endpoint; take one of the two out',
    '1:55: confirm.also[0].host: needs the collector to hear that host, and there is no report.endpoint; take one of the two out',
  ],
  [
    'confirm: { by: local, inbound: 22 }\nreport: { endpoint: "https://c.example.com" }',
    '1:32: confirm.inbound: needs the collector to connect to this port, and by is local; take one of the two out',
  ],
  [
    'confirm: { waves: true }',
    '1:19: confirm.waves: needs the collector to admit hosts, and there is no report.endpoint; take one of the two out',
  ],
  [
    'confirm: { by: local, waves: release-7 }\nreport: { endpoint: "https://c.example.com" }',
    '1:30: confirm.waves: needs the collector to admit hosts, and by is local; take one of the two out',
  ],
  [
    'confirm: { waves: 20261201 }\nreport: { endpoint: "https://c.example.com" }',
    '1:19: confirm.waves: 20261201 is a number; write it in quotes',
  ],
  [
    'confirm: { waves: config-7 }\nreport: { endpoint: "https://c.example.com" }',
    '1:19: confirm.waves: "config-7" is no name of a rollout; write one such as release-7 (letters, digits, dots, _ and -, not config- at its beginning)',
  ],
  ['sysctl: { net: 1 }', '1:11: sysctl.net: "net" is not a key; write one such as net.ipv4.ip_forward'],
];

for (const [yaml, ...expected] of ERRORS) {
  test(`error: ${yaml.split('\n').at(-1)!.slice(0, 70)}`, async () => {
    const found = await errorsOf(yaml);
    assert.deepEqual(
      found.map((error) => error.replace(/^agent\.yaml:/, '')),
      expected,
    );
  });
}

test('config errors: a file with errors everywhere reports them all', async () => {
  const yaml = ['dns: { domian: x, symlink: 1 }', 'dhclient: { x: 1 }', 'sysctl: { a: 1, net.b: }'].join('\n');
  assert.equal((await errorsOf(yaml)).length, 5);
});

test('config errors: nothing of a hostile file reaches the terminal raw', async () => {
  const evil = '\\e[31m\\u202e\\x9b\\x00';
  const errors = await errorsOf(`"${evil}": 1\nsysctl: { "net.${evil}": 1 }\ndns: { domain: "${evil}" }`);
  assert.equal(errors.length, 3);
  for (const error of errors) assert.doesNotMatch(error, /[\x00-\x1f\x7f-\x9f\u202e]/);
  const file = formatConfigError({ file: '/etc/\x1b[1m', line: 1, column: 1, path: 'a\nb', message: 'm' });
  assert.equal(file, '/etc/\\u001b[1m:1:1: a\\u000ab: m');
});

test('config errors: a long value is cut', () => {
  assert.ok(show('x'.repeat(10_000)).length < 100);
});
