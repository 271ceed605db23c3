import { constants } from 'node:os';
import type { ErrorCode } from './error-codes.ts';
import { sandboxHint } from './sandbox.ts';

/** A sentence for an operation that the operating system, or a program of the host, refused. */
export class HostError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostError';
    this.code = code;
  }
}

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  ENOSPC: 'no space is left on its file system',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'its file system is read-only',
  EPERM: 'the kernel refuses it; the file or its folder may be immutable (lsattr shows it, chattr -i lifts it)',
  EACCES: 'permission denied; run it as root',
  EBUSY: 'it is a mount point',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links go round in a circle',
  ENXIO: 'it is a socket, or a device that is not there',
  EIO: 'the device reports an input/output error',
  EINVAL: 'the kernel does not take this value',
};

/** "cannot DEED PATH: WHY (ERRNO)" for an error of node:fs. */
export function hostError(deed: string, path: string, cause: unknown): HostError {
  // The operating system's own code for the error.
  const code = (errorCode(cause) ?? 'UNKNOWN') as ErrorCode;
  const why = SENTENCES[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new HostError(code, `cannot ${deed} ${path}: ${why} (${code})${sandboxHint(code, path)}`, { cause });
}

/** An error in the form of node:fs, for a refusal that is not the kernel's. */
export function codedError(code: ErrorCode, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** The result of `look`; null if the host refuses it. */
export function nullIfRefused<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  }
}

/** The result of `look`; null if the path does not exist. Throws HostError: "cannot DEED PATH". */
export function nullIfMissing<T>(deed: string, path: string, look: (path: string) => T): T | null {
  try {
    return look(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw hostError(deed, path, error);
  }
}

export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  if (error.code !== 'UNKNOWN' || !('errno' in error)) return String(error.code);
  // libuv has no name for some errors: EDQUOT, ESTALE …
  return Object.entries(constants.errno).find(([, number]) => number === -Number(error.errno))?.[0] ?? 'UNKNOWN';
}

/** The message of anything thrown, for a report. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
