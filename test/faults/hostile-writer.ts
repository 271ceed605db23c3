/**
 * Of root: writes into another user's folders until its standard input ends, and prints what came of it, as JSON.
 *   node hostile-writer.ts ours|naive
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { removeFile, replaceFile, replaceOwnFile } from '../../agent/host/files/atomic.ts';

let ended = false;
process.stdin.resume().on('end', () => {
  ended = true;
});

const text = Buffer.from('from root\n');
const deeds = process.argv[2] === 'naive' ? [naively] : [own, kept, removed];
const outcomes: Record<string, number> = {};
let turn = 0;
while (!ended) {
  for (const path of ['/home/eve/d/file', '/home/eve/own/file']) {
    const came = attempt(() => deeds[turn % deeds.length]!(path));
    outcomes[came] = (outcomes[came] ?? 0) + 1;
  }
  turn += 1;
  await setImmediate();
}
console.log(JSON.stringify(outcomes));

function own(path: string): void {
  replaceOwnFile(path, text, 0o644);
}

function kept(path: string): void {
  // It starts a process, and so leaves the other one much time.
  if (turn % 50 === 1) replaceFile(path, text);
}

function removed(path: string): void {
  removeFile(path);
}

/** Writes like most programs: into a file beside it, which is then renamed into place. */
function naively(path: string): void {
  const temporary = path.replace(/([^/]+)$/, '.$1.holdfast');
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o644);
  writeSync(fd, text);
  closeSync(fd);
  renameSync(temporary, path);
}

function attempt(deed: () => void): string {
  try {
    deed();
    return 'done';
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException;
    return `${name} ${code}`;
  }
}
