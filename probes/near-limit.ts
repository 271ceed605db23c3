/** The part of a kernel's limit at which a condition begins. */
const NEAR = 0.8;

export function isNear(used: number, limit: number): boolean {
  return used >= NEAR * limit;
}
