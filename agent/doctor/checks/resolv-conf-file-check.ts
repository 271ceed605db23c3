/** Obstacles that keep /etc/resolv.conf from being an ordinary file of ours. */
import { ownsResolvConf } from '../../clients/resolved.ts';
import { effectiveValues, readAsLibc } from '../../resolver/libc-reading.ts';
import { linkOwner } from '../../resolver/owner.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';
import { heldByResolved } from './resolved-check.ts';

export function* resolvConfFileCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  yield* link(around);
  yield* limits(around);
  yield* unused(around);
  yield* mount(around);
  yield* immutable(around);
}

function* link(around: DoctorSurroundings): Iterable<DoctorObservation> {
  const { host, desired } = around;
  if (host.readLink(RESOLV_CONF) === null || (ownsResolvConf(host) && heldByResolved(around))) return;
  const target = host.target(RESOLV_CONF);
  const owner = linkOwner(target);
  const circle = target === RESOLV_CONF;
  const seen = circle
    ? `${RESOLV_CONF} is a symbolic link that leads in a circle`
    : `${RESOLV_CONF} is a symbolic link to ${target}${owner === null ? '' : `, which ${owner} makes`}`;
  const policy = desired?.dns?.symlink;
  yield {
    code: 'HF-RESOLV-LINK',
    seen: policy === 'follow' && !circle ? `${seen}; it is followed, and the owner may write it at any time` : seen,
    // The link is to be replaced, and `apply` has not run yet.
    severity: policy === 'replace' ? 'note' : policy === 'refuse' || circle ? 'problem' : 'warning',
  };
}

/** MAXNS, MAXRESOLVSORT of resolv.h; MAXDNSRCH ended with glibc 2.26. */
const LIMITS = [
  ['nameserver', 3],
  ['sortlist', 10],
] as const;

function* limits({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const text = host.readTextUnlessAstray(RESOLV_CONF) ?? '';
  for (const [keyword, most] of LIMITS) {
    const count = effectiveValues(text, keyword)?.length ?? 0;
    if (count <= most) continue;
    yield { code: 'HF-RESOLV-LIMITS', seen: `${RESOLV_CONF} has ${count} ${keyword} values, and ${most} are read` };
  }
}

/** A problem if no usable name server is left, or if look-ups never end. */
function* unused({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const { nameserver, unused: lines } = readAsLibc(host.readTextUnlessAstray(RESOLV_CONF) ?? '');
  for (const { line, keyword, why, hangs } of lines) {
    yield {
      code: 'HF-RESOLV-UNUSED',
      seen: `${RESOLV_CONF}:${line}: ${why}`,
      ...(hangs || (keyword === 'nameserver' && nameserver.length === 0) ? { severity: 'problem' } : {}),
    };
  }
}

function* mount({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const target = host.target(RESOLV_CONF);
  for (const line of (host.readText('/proc/self/mountinfo') ?? '').split('\n')) {
    // proc_pid_mountinfo(5): field 5 is the mount point; blanks and the like are in octal.
    const point = line
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
    if (point === target) yield { code: 'HF-RESOLV-MOUNT', seen: `${target} is a mount point` };
  }
}

/** By lsattr(1) of e2fsprogs. Reports nothing if lsattr is missing, or if the file system has no attributes. */
function* immutable({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const target = host.target(RESOLV_CONF);
  if (host.stat(target) === null) return;
  const { status, stdout } = host.run('lsattr', ['-d', '--', host.locate(target, 'follow')]);
  const flags = status === 0 ? (stdout.split(' ')[0] ?? '') : '';
  if (flags.includes('i')) yield { code: 'HF-RESOLV-IMMUTABLE', seen: `${target} is immutable (chattr +i)` };
  else if (flags.includes('a')) yield { code: 'HF-RESOLV-IMMUTABLE', seen: `${target} is append-only (chattr +a)` };
}
