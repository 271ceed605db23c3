/** Whether the looks of an earlier run (recorded-looks.ts) are all answered as they were then. */
import { lockedInodes } from './files/locked-inodes.ts';
import { readRegularFile } from './files/read.ts';
import {
  lstatSync,
  networkInterfaces,
  readBytesSync,
  readdirSync,
  readlinkSync,
  readTextSync,
  statSync,
} from './looks.ts';
import { type Neighbourhood, processesNamed } from './process/processes.ts';
import { type Look, recordedAnswer, recordedLooks, recordLooks } from './recorded-looks.ts';

/** Each kind of look by its name. */
const LOOKS: Readonly<Record<string, (about: string) => unknown>> = {
  lstat: lstatSync,
  stat: statSync,
  list: readdirSync,
  link: readlinkSync,
  text: readTextSync,
  bytes: readBytesSync,
  file: readRegularFile,
  locked: (about) => {
    const at = about.indexOf(' ');
    return lockedInodes(about.slice(at + 1), about.slice(0, at).split(',').map(Number));
  },
  addresses: networkInterfaces,
  processes: (about) => {
    const [neighbourhood = '', name = ''] = about.split(' ');
    return processesNamed(name, neighbourhood as Neighbourhood);
  },
};

/** Looks again until an answer differs. */
export async function areAnsweredSame(looks: readonly Look[]): Promise<boolean> {
  const ofKernel = looks.filter(([kind]) => kind === 'netlink');
  recordLooks();
  try {
    if (!looks.every((look) => look[0] === 'netlink' || isAnsweredSame(look))) return false;
    if (ofKernel.length === 0) return true;
    // Imported only here, because many hosts have no setting about which the kernel is asked.
    const { isToldSame } = await import('./netlink/told-again.ts');
    return await isToldSame(ofKernel);
  } finally {
    recordedLooks();
  }
}

function isAnsweredSame([kind, about, answer]: Look): boolean {
  try {
    LOOKS[kind]!(about);
  } catch {
    // An error is an answer, too.
  }
  return recordedAnswer(kind, about) === answer;
}
