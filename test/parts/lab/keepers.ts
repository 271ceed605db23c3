/** Real programs that keep a name server after every file names another one, on a throw-away host. */
import type { LabHost } from './host.ts';

export const OLD = '10.77.0.11';
export const NEW = '10.77.0.12';

/** Asks with a resolver of c-ares at each line of its standard input, and prints the answer or the error. */
const NODE = `const { Resolver } = require('node:dns');
const resolver = new Resolver({ timeout: 500, tries: 1 });
require('node:readline').createInterface({ input: process.stdin }).on('line', (name) => {
  resolver.resolve4(name, (error, answer) => console.log(String(answer ?? error.code)));
});
console.log('ready');
`;
/** The same in the C library's own terms: one channel of Debian's libc-ares2 for the life of the program. */
export const CARES = `import ctypes, select, sys
cares = ctypes.CDLL('libcares.so.2')
channel = ctypes.c_void_p()
assert cares.ares_library_init(1) == 0 and cares.ares_init(ctypes.byref(channel)) == 0
answers = []
@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
def answered(arg, status, timeouts, data, length):
    answers.append(status)
print('ready', flush=True)
for line in sys.stdin:
    cares.ares_query(channel, line.strip().encode(), 1, 1, answered, None)
    while not answers:
        sockets = (ctypes.c_int * 16)()
        bits = cares.ares_getsock(channel, sockets, 16)
        ready = select.select([sockets[n] for n in range(16) if bits >> n & 1], [], [], 1)[0]
        for one in ready or [-1]:
            cares.ares_process_fd(channel, one, -1)
    print('answered', answers.pop(), flush=True)
`;

/**
 * A name server: answers every question with 10.9.9.9, and prints each name. It is no dnsmasq, because that
 * program's own files would name the address.
 */
const SERVER = `use Socket; $| = 1;
socket(my $s, PF_INET, SOCK_DGRAM, 17) or die $!;
bind($s, pack_sockaddr_in(53, inet_aton($ENV{SERVER}))) or die $!;
print "ready\\n";
while (my $from = recv($s, my $question, 512, 0)) {
  my ($at, @labels) = (12);
  while (my $length = ord(substr($question, $at, 1))) { push @labels, substr($question, $at + 1, $length); $at += $length + 1 }
  print 'query[A] ', join('.', @labels), " \\n";
  my $asked = substr($question, 12, $at + 5 - 12);
  send($s, substr($question, 0, 2) . pack('n5', 0x8180, 1, 1, 0, 0) . $asked . pack('n3Nna4', 0xc00c, 1, 1, 0, 4, pack('C4', 10, 9, 9, 9)), 0, $from);
}
`;

/** The configuration of each program, by the name server that it names. */
const CONFIGURATIONS: Readonly<Record<string, readonly [file: string, text: (server: string) => string]>> = {
  nginx: [
    '/etc/nginx/nginx.conf',
    (server) =>
      `events {}\npid /run/nginx.pid;\nhttp {\n  access_log off;\n  resolver ${server};\n  server { listen 127.0.0.1:8080; set $up a.example; location / { proxy_pass http://$up; } }\n}\n`,
  ],
  haproxy: [
    '/etc/haproxy/haproxy.cfg',
    (server) =>
      `resolvers mine\n  nameserver one ${server}:53\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nfrontend f\n  bind 127.0.0.1:8081\n  default_backend b\nbackend b\n  server s a.example:80 resolvers mine init-addr none\n`,
  ],
  dnsmasq: ['/etc/dnsmasq.conf', (server) => `port=5353\nno-resolv\nno-hosts\nserver=${server}\n`],
  unbound: [
    '/etc/unbound/unbound.conf',
    (server) =>
      `server:\n  interface: 127.0.0.1@5354\n  chroot: ""\n  username: ""\n  use-syslog: no\n  do-daemonize: yes\n  pidfile: /run/unbound.pid\nforward-zone:\n  name: "."\n  forward-addr: ${server}\n`,
  ],
};

/** Starts each program, and starts it again once its files are right. All run in the background afterwards. */
export const STARTS: Readonly<Record<string, string>> = {
  node: `pkill -x -f '.*/node /run/lab/ask\\.cjs' || :; mkfifo /run/lab/node.in 2>/dev/null || :
    setsid ${process.execPath} /run/lab/ask.cjs <>/run/lab/node.in >/run/lab/node.out 2>&1 &
    until grep -q ready /run/lab/node.out; do sleep 0.05; done`,
  'c-ares': `pkill -x -f '/usr/bin/python3 /run/lab/ask\\.py' || :; mkfifo /run/lab/cares.in 2>/dev/null || :
    setsid /usr/bin/python3 /run/lab/ask.py <>/run/lab/cares.in >/run/lab/cares.out 2>&1 &
    until grep -q ready /run/lab/cares.out; do sleep 0.05; done`,
  nginx:
    'if [ -s /run/nginx.pid ]; then nginx -s stop; while pgrep -x nginx >/dev/null; do sleep 0.05; done; fi; nginx',
  haproxy: `pkill -x haproxy && while pgrep -x haproxy >/dev/null; do sleep 0.05; done || :
    haproxy -D -q -f /etc/haproxy/haproxy.cfg`,
  dnsmasq: 'pkill -x dnsmasq && while pgrep -x dnsmasq >/dev/null; do sleep 0.05; done || :; dnsmasq',
  unbound: 'pkill -x unbound && while pgrep -x unbound >/dev/null; do sleep 0.05; done || :; unbound 2>/dev/null',
  // Debian copies resolv.conf into the chroot when the service starts.
  postfix: `postfix stop 2>/dev/null || :; while pgrep -x qmgr >/dev/null; do sleep 0.05; done
    /usr/lib/postfix/configure-instance.sh - && postfix start 2>/dev/null
    until pgrep -x qmgr >/dev/null; do sleep 0.05; done`,
  // A container: mounts and network of its own, behind a veth, with a copy of resolv.conf from its start.
  container: `pkill -x -f 'sleep 987654' && while pgrep -x -f 'sleep 987654' >/dev/null; do sleep 0.05; done || :
    cp /etc/resolv.conf /run/lab/copy
    unshare --mount --net sh -c 'mount -t tmpfs none /etc; cp /run/lab/copy /etc/resolv.conf; exec sleep 987654' &
    until pid=$(pgrep -x -f 'sleep 987654'); do sleep 0.05; done
    ip link add inside type veth peer name outside && ip link set inside netns $pid`,
};

/** Both servers answer every name, and a file for each says who asked. */
export async function prepare(host: LabHost): Promise<void> {
  await host.sh(`
    ip addr add 10.77.0.2/24 dev eth0 && ip link set eth0 up
    ip -n server addr add ${OLD}/24 dev srv0 && ip -n server addr add ${NEW}/24 dev srv0 && ip -n server link set srv0 up
    ping -c1 -W5 -q ${OLD} >/dev/null`);
  await host.write('/run/lab/server.pl', SERVER);
  for (const server of [OLD, NEW]) await startServer(host, server);
  await host.write('/run/lab/ask.cjs', NODE);
  await host.write('/run/lab/ask.py', CARES);
  await host.write(
    '/etc/postfix/main.cf',
    'compatibility_level = 3.6\nmyhostname = lab.example\ninet_interfaces = loopback-only\nmaillog_file = /var/log/postfix.log\n',
  );
  await host.sh(
    'rm -rf /etc/nginx/conf.d /etc/nginx/sites-enabled /etc/nginx/modules-enabled/* /etc/dnsmasq.d /etc/unbound/unbound.conf.d; mkdir -p /var/lib/nginx /var/log/nginx',
  );
  await nameEverywhere(host, OLD);
}

/** resolv.conf is renamed into place, and each configuration is written; nothing is restarted. */
export async function nameEverywhere(host: LabHost, server: string): Promise<void> {
  await host.write('/etc/resolv.conf.new', `nameserver ${server}\n`);
  await host.sh('mv /etc/resolv.conf.new /etc/resolv.conf');
  for (const [file, text] of Object.values(CONFIGURATIONS)) await host.write(file, text(server));
}

async function startServer(host: LabHost, server: string): Promise<void> {
  await host.sh(
    `SERVER=${server} setsid perl /run/lab/server.pl >/run/lab/${server}.log 2>&1 </dev/null & until grep -q ready /run/lab/${server}.log; do sleep 0.05; done`,
    { where: 'server' },
  );
}

export async function start(host: LabHost, program: string): Promise<void> {
  // What lives on must not hold the pipes of the shell.
  await host.sh(`{ ${STARTS[program]}\n} >/run/lab/${program}.log 2>&1`);
}

/** Which of the servers was asked for that name since the beginning. */
export async function askedFor(host: LabHost, name: string): Promise<string[]> {
  const asked: string[] = [];
  for (const server of [OLD, NEW])
    if ((await host.read(`/run/lab/${server}.log`)).includes(`query[A] ${name} `)) asked.push(server);
  return asked;
}

export const NEEDED = {
  nginx: 'nginx',
  haproxy: 'haproxy',
  unbound: 'unbound',
  postfix: 'postfix',
  python3: 'python3',
};

/** The library's path on Debian. */
export const CARES_LIBRARY = '/usr/lib/x86_64-linux-gnu/libcares.so.2';
