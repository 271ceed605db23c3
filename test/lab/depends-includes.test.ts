/** Real programs and their includes: `agent depends` names exactly the files that each program opens. */
import assert from 'node:assert/strict';
import { normalize } from 'node:path';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({
  strace: 'strace',
  nginx: 'nginx',
  unbound: 'unbound',
  haproxy: 'haproxy',
  dhcpd: 'isc-dhcp-server',
});
const INC = '/srv/inc';
/** The configuration of dnsmasq, which names no server itself. */
const MAIN = `${INC}/main`;

interface Scene {
  /** Those below INC each name a server; some are files that the program does not read. */
  readonly files: Readonly<Record<string, string>>;
  /** Reads the configuration, and ends or stays. */
  readonly command: string;
  /** For a program that stays: the file that it opens last. */
  readonly last?: string;
  /** The tense in which the files show. Default: `now` for a program that stays, `boot` for one that ends. */
  readonly tense?: 'boot';
}

const SCENES: Readonly<Record<string, Scene>> = {
  nginx: {
    files: {
      '/etc/nginx/nginx.conf': `events {} http { include ../..${INC}/*.conf; include no-such/*.conf; }\n`,
      [`${INC}/a.conf`]: `resolver 10.0.0.1; include deeper;\n`,
      [`${INC}/.hidden.conf`]: 'resolver 10.0.0.2;\n',
      '/etc/nginx/deeper': `include "${INC}/deepest";\n`,
      [`${INC}/deepest`]: 'resolver_timeout 3s; # resolver 10.0.0.9;\nserver { resolver 10.0.0.3; }\n',
      [`${INC}/b.conf.old`]: 'resolver 10.0.0.4;\n',
    },
    command: 'nginx -t',
  },
  unbound: {
    files: {
      '/etc/unbound/unbound.conf': `include-toplevel: "${INC}/*.conf"\nserver:\n  include: ${INC}/in-server\n# include: ${INC}/no\n`,
      [`${INC}/a.conf`]: 'forward-zone:\n  name: "a"\n  forward-addr: 10.0.0.1\n',
      [`${INC}/in-server`]: '  verbosity: 1\nstub-zone:\n  name: "b"\n  stub-addr: 10.0.0.2\n',
      [`${INC}/no`]: 'forward-zone:\n  name: "c"\n  forward-addr: 10.0.0.3\n',
    },
    command: 'unbound-checkconf',
  },
  dhclient: {
    files: {
      '/etc/dhcp/dhclient.conf': `include "${INC}/a";\n# include "${INC}/no";\n`,
      [`${INC}/a`]: `prepend domain-name-servers 10.0.0.1;\ninclude "${INC}/b";\n`,
      [`${INC}/b`]: 'append domain-name-servers 10.0.0.2;\n',
      [`${INC}/no`]: 'append domain-name-servers 10.0.0.3;\n',
    },
    command: 'dhclient -d -n -q -lf /run/lab/leases -pf /run/lab/dhclient.pid',
    last: `${INC}/b`,
    tense: 'boot',
  },
  dhcpd: {
    files: {
      '/etc/dhcp/dhcpd.conf': `subnet 10.1.0.0 netmask 255.255.0.0 { include "${INC}/options"; }\n`,
      [`${INC}/options`]: 'option domain-name-servers 10.0.0.1;\n',
      [`${INC}/no`]: 'option domain-name-servers 10.0.0.2;\n',
    },
    command: 'dhcpd -t -cf /etc/dhcp/dhcpd.conf',
  },
  dnsmasq: {
    files: {
      [MAIN]: `no-hosts\nlisten-address=127.0.0.1\nbind-interfaces\nuser=root\nconf-dir=${INC}/only,*.conf\nconf-file=${INC}/one\nservers-file=${INC}/servers\n`,
      [`${INC}/dir/a`]: 'server=10.0.0.1\n',
      [`${INC}/dir/a.bak`]: 'server=10.0.0.2\n',
      [`${INC}/dir/a~`]: 'server=10.0.0.3\n',
      [`${INC}/dir/#a#`]: 'server=10.0.0.4\n',
      [`${INC}/only/a.conf`]: 'server=10.0.0.5\n',
      [`${INC}/only/a.other`]: 'server=10.0.0.6\n',
      [`${INC}/one`]: 'server=10.0.0.7\n',
      [`${INC}/servers`]: 'server=/x/10.0.0.8\n',
      [`${INC}/resolv`]: 'nameserver 10.0.0.9\n',
    },
    // The options of Debian's own service, and -C.
    command: `dnsmasq -k -x /run/lab/dnsmasq.pid -C ${MAIN} -r ${INC}/resolv -7 ${INC}/dir,.dpkg-dist,.bak`,
    last: `${INC}/servers`,
  },
  haproxy: {
    files: {
      [`${INC}/folder/a.cfg`]: 'defaults\n  timeout server 1s\nresolvers a\n  nameserver one 10.0.0.1:53\n',
      [`${INC}/folder/b.cfg`]:
        'resolvers b\n  nameserver two 10.0.0.2:53\nlisten x\n  mode tcp\n  timeout client 1s\n  timeout connect 1s\n  bind 127.0.0.1:7\n',
      [`${INC}/folder/c.old`]: 'resolvers c\n  nameserver three 10.0.0.3:53\n',
    },
    command: `haproxy -db -f ${INC}/folder`,
    last: 'b.cfg',
  },
};

/** The files below INC that the program opened. */
async function opened(host: LabHost): Promise<string[]> {
  const trace = await host.read('/run/lab/trace');
  const paths = [...trace.matchAll(/open(?:at)?\([^"\n]*"([^"]+)", (?!.*O_DIRECTORY).* = \d/g)].map(
    ([, path]) => path!,
  );
  return below(paths);
}

function below(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => normalize(path)))].filter((path) => path.startsWith(`${INC}/`)).sort();
}

for (const [name, { files, command, last, tense = last === undefined ? 'boot' : 'now' }] of Object.entries(SCENES))
  test(`includes: depends names each file that ${name} opens, and no other`, { skip }, async () => {
    await using host = await LabHost.create();
    await host.sh(`rm -rf /etc/nginx /etc/unbound /etc/dnsmasq* /etc/haproxy /etc/dhcp/dhc*.conf
      mkdir -p /var/lib/nginx /var/log/nginx; : >/var/lib/dhcp/dhcpd.leases`);
    for (const [path, text] of Object.entries(files)) await host.write(path, text);
    const traced = `strace -f -o /run/lab/trace -e trace=open,openat ${command} >/run/lab/out 2>&1`;
    if (last === undefined) await host.sh(`${traced} || { cat /run/lab/out; false; }`);
    else await host.sh(`setsid ${traced} & until grep -qs '${last}' /run/lab/trace; do sleep 0.05; done`);
    const { found } = JSON.parse((await host.agent('depends', '--json')).stdout) as DependsAnswer;
    const named = found.filter((one) => one.tense === tense).map(({ where }) => where.replace(/:\d+$/, ''));
    const read = await opened(host);
    assert.ok(read.length > 0);
    assert.deepEqual(
      below(named),
      read.filter((path) => path !== MAIN),
    );
    if (last !== undefined) await host.sh(`pkill -x ${name}; while pgrep -x ${name} >/dev/null; do sleep 0.05; done`);
  });
