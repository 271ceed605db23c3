/**
 * Stands in the executable for node-gyp-build, by which the package `netlink` finds its native part: that lies in the
 * executable as an asset, for the linker to load from a file without a name, which nobody can predict, swap or leave behind;
 * for root, from a folder that only root can write.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { getRawAsset } from 'node:sea';

/** Name of the asset: made for this architecture, by Node-API, so it fits every Node. */
export const ADDON = 'netlink.node';

/** From linux/fcntl.h: an open file that no folder lists. Node has a name for only a part of it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
/**
 * The first whose file system has such files and lets code be run from them (not `noexec`). /run/holdfast/code is the
 * services' own, in memory (units/holdfast.service).
 */
const FOLDERS =
  process.geteuid?.() === 0
    ? ['/run/holdfast/code', '/var/lib/holdfast', '/run', '/var/lib', '/root', '/', dirname(process.execPath)]
    : ['/tmp', '/dev/shm', '/var/tmp'];

/** The addon's exports. Throws where no folder will do, with the reason of each. */
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
