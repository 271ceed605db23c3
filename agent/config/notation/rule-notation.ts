/** Priorities and marks of policy rules as the configuration writes them. */
import { show } from '../config-error.ts';

/** The kernel's own rules for the tables main and default. Its rule for the table local has priority 0. */
const KERNEL: readonly number[] = [32_766, 32_767];
const ALL = 0xffff_ffff;

/** An error with a remedy, or undefined. The schema has checked the range. */
export function priorityProblem(priority: number): string | undefined {
  if (!KERNEL.includes(priority)) return undefined;
  return `${priority} is the priority of a rule of the kernel's own; write a lower one`;
}

interface Mark {
  readonly value: number;
  readonly mask: number;
}

/** `0x10`, `16` or `0x10/0xff`: the value, and the bits of a packet's mark that are compared with it. */
export function checkMark(mark: string | number): { readonly value: Mark } | { readonly problem: string } {
  const [value = Number.NaN, mask = ALL, ...more] = String(mark).split('/').map(markNumber);
  if (Number.isNaN(value + mask) || more.length > 0) {
    return { problem: `${show(mark)} is no mark; write a number up to 0xffffffff, and a mask: 0x10/0xff` };
  }
  if (mask === 0)
    return { problem: `${show(mark)} has a mask without bits, so it matches every packet; write another` };
  if ((value & ~mask) !== 0) {
    const meant = `0x${((value & mask) >>> 0).toString(16)}/0x${mask.toString(16)}`;
    return { problem: `${show(mark)} has bits outside its mask, which the kernel ignores; write ${meant}` };
  }
  return { value: { value, mask } };
}

/** NaN if it is no number of 32 bits. */
function markNumber(text: string): number {
  const number = /^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text) ? Number(text) : Number.NaN;
  return number <= ALL ? number : Number.NaN;
}
