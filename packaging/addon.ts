/**
 * Replaces node-gyp-build in the executable, with which the package `netlink` finds its native part. The native part is
 * an asset of the executable. The linker loads it from a file without a name, which no program can predict or swap, and
 * which leaves nothing behind. For root the folder is one that only root can write.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { getRawAsset } from 'node:sea';

/** The asset's name. The addon is made for this architecture with Node-API, so it fits every Node. */
export const ADDON = 'netlink.node';

/** O_TMPFILE of linux/fcntl.h: an open file that no folder lists. Node names only a part of the flag. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
/**
 * The first folder whose file system has such files and is not mounted `noexec`. /run/holdfast/code is in memory, and
 * belongs to the services (units/holdfast.service).
 */
const FOLDERS =
  process.geteuid?.() === 0
    ? ['/run/holdfast/code', '/var/lib/holdfast', '/run', '/var/lib', '/root', '/', dirname(process.execPath)]
    : ['/tmp', '/dev/shm', '/var/tmp'];

/** The addon's exports. If no folder works, throws with the reason of each. */
export function loadAddon(): unknown {
  const addon = Buffer.from(getRawAsset(ADDON) as ArrayBuffer);
  const refused: string[] = [];
  for (const folder of FOLDERS) {
    let file: number | undefined;
    try {
      file = openSync(folder, constants.O_RDWR | O_TMPFILE, 0o500);
      for (let done = 0; done < addon.length; ) done += writeSync(file, addon, done);
      const module = { exports: {} };
      process.dlopen(module, `/proc/self/fd/${file}`);
      return module.exports;
    } catch (error) {
      refused.push(`${folder}: ${(error as Error).message}`);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
  throw new Error(`the native part of netlink cannot be loaded (${refused.join('; ')})`);
}
