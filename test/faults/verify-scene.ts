import { ETC } from './scene.ts';

const CONFIGURATION = `
dns:
  domain: example.com
  nameservers: [127.0.0.21]
  sortlist: [10.72.0.0/16]
  options: [timeout:1, attempts:1]
  verify: { name: puppet.example.com, expect: [10.72.0.0/16], timeout: 5s }
`;
/** Files of a host whose change of DNS is to be proved. */
export const FILES = {
  ...ETC,
  'holdfast/agent.yaml': CONFIGURATION,
  'resolv.conf': '# by hand\nnameserver 127.0.0.11\noptions timeout:1 attempts:1\n',
  // For dnsmasq, which looks up the user that it is to run as.
  passwd: 'root:x:0:0::/:/bin/sh\n',
  group: 'root:x:0:\n',
};

/** The old and the new name server, until \`silence\`; the address is one by which the C library asks for IPv4 at all. */
export const SERVERS = `
ip link set lo up; ip addr add 10.9.9.9/32 dev lo
serve() {
  dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --bind-interfaces --pid-file= \\
    --listen-address=127.0.0.11,127.0.0.21 --host-record=puppet.example.com,10.72.1.1 >/dev/null 2>&1 &
  dnsmasq=$!
  for _ in $(seq 100); do [ "$(cat /proc/net/udp | grep -c ':0035 ')" -ge 2 ] && break; sleep 0.1; done
}
silence() { kill $dnsmasq; wait $dnsmasq 2>/dev/null; }
trap silence EXIT
serve
`;
