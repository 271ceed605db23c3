/** resolv.conf is read as the C library of this machine reads it: its own res_ninit(3) is the yardstick. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAsLibc } from '../../../agent/resolver/libc-reading.ts';
import { resolvConf } from '../../parts/resolv-conf-cases.ts';
import { fill, noNamespaces, privately, scratch } from '../../parts/scratch.ts';

/** Each text is read by a process of its own (fork): glibc keeps what it has read. Offsets of struct __res_state on 64 bits. */
const YARDSTICK = `
import ctypes, json, os, resource, socket, struct
texts = json.load(open('texts.json', encoding='latin1'))
libc = ctypes.CDLL('libc.so.6')
def read():
    state = ctypes.create_string_buffer(1024)
    libc.__res_ninit(state)
    raw = state.raw
    servers = []
    for i in range(min(3, struct.unpack_from('i', raw, 16)[0])):
        v6 = struct.unpack_from('Q', raw, 536 + 8 * i)[0]
        if v6: servers.append(socket.inet_ntop(socket.AF_INET6, ctypes.string_at(v6 + 8, 16)))
        else: servers.append(socket.inet_ntoa(raw[24 + 16 * i:28 + 16 * i]))
    pointers = [struct.unpack_from('Q', raw, 72 + 8 * i)[0] for i in range(6)]
    search = [ctypes.string_at(p).decode('latin1') for p in pointers if p]
    sort = struct.unpack_from('I', raw, 392)[0] >> 4 & 15
    pairs = [socket.inet_ntoa(raw[396 + 8 * i:400 + 8 * i]) for i in range(sort)]
    return [servers, search, pairs]
for text in texts:
    open('resolv.conf', 'w', encoding='latin1', newline='').write(text)
    there, here = os.pipe()
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        os.write(here, json.dumps(read()).encode())
        os._exit(0)
    os.close(here)
    print(os.read(there, 65536).decode() or 'null')
    os.close(there)
    os.wait()
`;

type Reading = [servers: string[], search: string[], pairs: string[]];

/** null: it did not end within a second of processor time. */
function byLibc(folder: string, texts: readonly string[]): (Reading | null)[] {
  fill(folder, { 'texts.json': JSON.stringify(texts), 'yardstick.py': YARDSTICK, 'resolv.conf': '' });
  const script = `cd ${folder} && mount --bind resolv.conf /etc/resolv.conf && timeout 60 python3 yardstick.py`;
  const { stdout, stderr } = privately(script);
  const lines = Buffer.from(stdout, 'latin1').toString('utf8').trim().split('\n');
  assert.equal(lines.length, texts.length, stderr);
  return lines.map((line) => JSON.parse(line));
}

/** Leaves out glibc's defaults for an empty file: it asks 127.0.0.1, and takes its domain from the host's name. */
function compare(text: string, libc: Reading | null): void {
  const reading = readAsLibc(text);
  assert.equal(
    reading.unused.some(({ hangs }) => hangs),
    libc === null,
    JSON.stringify(text),
  );
  if (libc === null) return;
  const [servers, search, pairs] = libc;
  const plain = (address: string) => address.split('%')[0]!;
  const ours = reading.nameserver.slice(0, 3).map(plain);
  assert.deepEqual(ours.length === 0 ? ['127.0.0.1'] : ours.map(usual), servers.map(usual), JSON.stringify(text));
  const last = [...text.matchAll(/^(domain|search)[ \t]+[^ \t\n\0]/gm)].at(-1)?.[1] as 'domain' | 'search' | undefined;
  if (last !== undefined) assert.deepEqual(reading[last]?.slice(0, 6), search, JSON.stringify(text));
  assert.equal(reading.sortlist.slice(0, 10).length, pairs.length, JSON.stringify(text));
}

function usual(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname : address;
}

const KNOWN = [
  'nameserver 10.0.0.53\n',
  'nameserver 10.0.0.53\r\n',
  'nameserver\t10.0.0.53',
  'nameserver 10.0.0.53 # mine\nnameserver 10.0.0.54\t; x\n',
  'nameserver 10.0.0.53#x\nnameserver 10.0.0.54;\n',
  ' nameserver 10.0.0.53\n\tnameserver 10.0.0.54\n',
  'Nameserver 10.0.0.53\nNAMESERVER 10.0.0.54\nnameservers 10.0.0.55\n',
  'nameserver=10.0.0.53\nnameserver:10.0.0.53\nnameserver\v10.0.0.53\nnameserver\n',
  'nameserver 10.0.0.53 10.0.0.54\n',
  'nameserver 10.0.0.53,10.0.0.54\n',
  'nameserver 010.0.0.53\nnameserver 10.53\nnameserver 0x0a000035\n',
  'nameserver 256.0.0.1\nnameserver 10.0.0.08\nnameserver 1.2.3.4.5\nnameserver 10.0.0.\n',
  'nameserver 4294967295\nnameserver 4294967296\nnameserver 0\n',
  'nameserver 2001:DB8::1\nnameserver ::ffff:10.0.0.1\nnameserver 2001:db8::1/64\n',
  'nameserver fe80::1%lo\nnameserver fe80::1%nosuch0\nnameserver [2001:db8::1]\n',
  'nameserver 10.0.0.1\nnameserver x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n',
  '\xef\xbb\xbfnameserver 10.0.0.53\n',
  `nameserver ${' '.repeat(20_000)}10.0.0.53\n`,
  `# ${'x'.repeat(20_000)}\nnameserver 10.0.0.53\n`,
  'nameserver 10.0.0.53\0 x\nnameserver 10.0.0.54\n',
  '\0nameserver 10.0.0.53\n\0 nameserver 10.0.0.54\n',
  '\xff\xfen\0a\0m\0e\0s\0e\0r\0v\0e\0r\0 \x001\x000\0.\x000\0.\x000\0.\x001\0\n\0',
  '\0'.repeat(512),
  'search a.example b.example # c\n',
  'search a.example, b.example\r\n',
  'search .\n',
  'domain a.example b.example\nsearch c.example\n',
  'search c.example\ndomain a.example x\n',
  'search\t \nsearch a.example\nsearch \n',
  'sortlist 10.0.0.0/255.0.0.0 130.1.2.3 x 10.0.0.0/8;11.0.0.0\n',
  'sortlist 10.0.0.0&255.0.0.0 # 11.0.0.0\n',
  'sortlist 10.1/255.0.0.0\nsortlist 11.0.0.0/x\n',
  'sortlist 10.0.0.0/255.0.0.0\r\nnameserver 10.0.0.53\n',
  'sortlist 10.0.0.0/255.0.0.0 B\xfcro\n',
  'sortlist 10.0.0.0/255.0.0.0; B\xfcro\r\n',
  '',
];

const skip = noNamespaces('python3') || (glibc64() ? false : 'needs a 64-bit glibc, whose struct __res_state is read');

test('libc reading: it agrees with libc on every known oddity and on generated files', { skip }, (t) => {
  // Each that glibc never ends to read costs a second.
  const harmless = resolvConf.filter((text) => !/^sortlist[ \t].*[^\x20-\x7e\t\n]/m.test(text));
  const texts = [...KNOWN, ...fc.sample(harmless, { numRuns: 300, seed: 1 })];
  for (const [index, reading] of byLibc(scratch(t), texts).entries()) compare(texts[index]!, reading);
});

test('libc reading: each line that libc does not use is named with the reason', () => {
  const cases: [string, RegExp][] = [
    ['nameserver 10.0.0.53\r', /carriage return/],
    ['search a.example\r', /carriage return/],
    [' nameserver 10.0.0.53', /begins with a blank/],
    ['\xef\xbb\xbfnameserver 10.0.0.53', /byte order mark/],
    ['Nameserver 10.0.0.53', /knows "nameserver", not "Nameserver"/],
    ['nameservers 10.0.0.53', /knows "nameserver", not "nameservers"/],
    ['nameserver=10.0.0.53', /followed by a blank/],
    ['nameserver', /has no value/],
    ['search ', /has no value/],
    ['nameserver 10.0.0.53,10.0.0.54', /no IP address/],
    ['nameserver ns.example.com', /no IP address/],
    ['search a.example # office', /takes "#" for a domain/],
    ['sortlist 10.0.0.0/255.0.0.0\r', /hangs/],
    ['sortlist 10.0.0.0/255.0.0.0 office', /"office" is no IPv4 address/],
    ['options rotat', /rotat.* is no option .*rotate/],
    ['lookup file bind', /no keyword/],
    ['\0nameserver 10.0.0.53', /NUL byte .*only up to that/],
    ['name\0server 10.0.0.53', /NUL byte/],
    ['nameserver \x0010.0.0.53', /NUL byte/],
    ['search a.example\0 b.example', /NUL byte/],
    ['\0\0\0\0', /NUL bytes only/],
  ];
  for (const [line, why] of cases) {
    const { unused } = readAsLibc(`# first\n${line}\nnameserver 10.0.0.1\n`);
    assert.equal(unused.length, 1, line);
    assert.equal(unused[0]!.line, 2);
    assert.match(unused[0]!.why, why);
  }
  const right =
    '# x\n; y\n\n \t\nnameserver 10.0.0.1 # mine\nsearch a b\noptions rotate timeout:1\nsortlist 10.0.0.0/255.0.0.0\n';
  assert.deepEqual(readAsLibc(right).unused, []);
});

function glibc64(): boolean {
  return ['x64', 'arm64'].includes(process.arch) && readFileSync('/proc/self/maps', 'latin1').includes('/libc.so.6');
}
