/**
 * The sandbox of Holdfast's systemd units (units/*.service, docs/service.md) refuses what a host may be configured to want all
 * the same: which directive would allow it. No one can tell from inside who refused, so it is said as a possibility.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is added to an error's sentence; '' outside such a unit, or where none of its directives has this effect. */
export function sandboxHint(code: string, path: string): string {
  const allowing = directive(code, path);
  const unit = allowing === null ? null : ownUnit();
  if (unit === null) return '';
  return `; if only this service may not: "systemctl edit ${unit}", [Service] ${allowing}, and restart it`;
}

/** systemd.exec(5). */
function directive(code: string, path: string): string | null {
  if (/^\/(home|root|run\/user)(\/|$)/.test(path) && /^(ENOENT|EACCES|EROFS)$/.test(code)) return 'ProtectHome=no';
  if (/^(\/var)?\/tmp\//.test(path) && code === 'ENOENT') return 'PrivateTmp=no';
  // A setting of the kernel is written in place; beside a file its new content is written.
  if (code === 'EROFS') return `ReadWritePaths=${path.startsWith('/proc/') ? path : dirname(path)}`;
  if (code === 'EACCES') return 'CapabilityBoundingSet=CAP_DAC_OVERRIDE';
  if (code === 'EPERM') return 'CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER, SystemCallFilter=@chown';
  return null;
}

/** The unit of Holdfast's that this process is started by, as its control group says (cgroups(7)). */
function ownUnit(): string | null {
  if (process.env.INVOCATION_ID === undefined) return null;
  try {
    return /\/(holdfast[^/]*)\.service$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}
