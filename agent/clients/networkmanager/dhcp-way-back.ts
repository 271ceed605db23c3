/** The way back of `dhcp` with NetworkManager: its files. A running device follows at its next activation. */
import { fileLeftover } from '../../hold/files/file-revert.ts';
import type { OriginalFile } from '../../hold/originals/originals.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Leftover, Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { PROFILES } from './profiles.ts';
import { loadProfile } from './profiles-left.ts';
import { DHCP_CONF, tellNetworkManager } from './running.ts';

export const DHCP_UNDOING: Undoing = {
  file: (host, original) =>
    original.key.startsWith(`${PROFILES}/`) ? profile(host, original) : fileLeftover(host, original),
  told: (host, files) => {
    if (files.includes(DHCP_CONF)) tellNetworkManager(host);
    for (const file of files) if (file.startsWith(`${PROFILES}/`)) loadProfile(host, file);
  },
};

/** NetworkManager reads the restored file at once, for its next activation. */
function profile(host: Host, original: OriginalFile): Leftover {
  const leftover = fileLeftover(host, original);
  const putBack = async () =>
    (await leftover.putBack()).map((outcome): Outcome => {
      const problem = outcome.result === 'changed' ? loadProfile(host, original.key) : null;
      return problem === null ? outcome : { ...outcome, result: 'failed', changed: true, reason: problem };
    });
  return { ...leftover, putBack };
}
