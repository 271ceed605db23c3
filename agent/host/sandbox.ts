/**
 * Hints for what the sandbox of Holdfast's systemd units refuses (units/*.service, docs/service.md): the directive that
 * would allow it. A process inside cannot tell who refused, so the hint says "may".
 */
import { dirname } from 'node:path';
import { nullIfGone, unitOf } from './process/proc.ts';

/** A hint to append to an error's sentence; '' outside such a unit, or if none of its directives has this effect. */
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
  // A sysctl is written in place; a file's new content is written beside the file.
  if (code === 'EROFS') return `ReadWritePaths=${path.startsWith('/proc/') ? path : dirname(path)}`;
  if (code === 'EACCES') return 'CapabilityBoundingSet=CAP_DAC_OVERRIDE';
  if (code === 'EPERM') return 'CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER, SystemCallFilter=@chown';
  return null;
}

/** Holdfast's unit that this process runs in, from its control group (cgroups(7)). */
function ownUnit(): string | null {
  if (process.env.INVOCATION_ID === undefined) return null;
  const unit = nullIfGone(() => unitOf('self')) ?? '';
  return /^(holdfast.*)\.service$/.exec(unit)?.[1] ?? null;
}
