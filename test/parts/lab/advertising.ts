/** Whether a rehearsal can send router advertisements here: its stage needs a bridge and a VXLAN device. */
import { execFileSync } from 'node:child_process';

const DEVICES =
  'ip link add name frames type vxlan id 1 local 127.0.0.1 dstport 4789 && ip link add name one type bridge';

/** `missing`: why there is no throw-away host. Why the stage has no advertisements, as one sentence, or false: fits the `skip` of node:test. */
export function noAdvertising(missing: string | false): string | false {
  if (missing !== false) return missing;
  try {
    execFileSync('unshare', ['--net', 'sh', '-c', DEVICES], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs a kernel with bridges and VXLAN devices, by which a rehearsal sends router advertisements';
  }
}
