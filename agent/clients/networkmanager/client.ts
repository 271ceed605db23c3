/** NetworkManager: a dispatcher script (the lease moment), and `dns=none` in conf.d (the boot moment). */
import { fileLeftover } from '../../hold/files/file-revert.ts';
import type { DhcpClient } from '../client.ts';
import { hookLeftover } from '../hook-leftover.ts';
import { DHCP_UNDOING } from './dhcp-way-back.ts';
import { NetworkManager } from './kept.ts';
import { NetworkManagerDhcp } from './kept-dhcp.ts';
import { editedProfiles } from './profiles-left.ts';
import {
  DHCP_CONF,
  DISPATCHER,
  NETWORK_MANAGER_CONF,
  networkManagerHolders,
  networkManagerIsHere,
  tellNetworkManager,
} from './running.ts';
import { networkManagerSysctls } from './sysctls.ts';

export const networkManagerClient: DhcpClient = {
  program: 'NetworkManager',
  isHere: networkManagerIsHere,
  running: networkManagerHolders,
  leases: async (host) => (await import('./known-leases.ts')).networkManagerLeases(host),
  forecasts: async (...asked) => (await import('./forecast.ts')).networkManagerForecasts(...asked),
  resources: [
    {
      name: 'networkmanager',
      keepsScripts: true,
      turn: 'after resolv.conf',
      make: (host, desired, around) => new NetworkManager(host, desired.dns, around),
      undoing: {
        file: (host, original) =>
          original.key === DISPATCHER ? hookLeftover(host, original, [DISPATCHER]) : fileLeftover(host, original),
        told: (host, files) => {
          if (files.includes(NETWORK_MANAGER_CONF)) tellNetworkManager(host);
        },
      },
    },
    {
      name: 'networkmanager-dhcp',
      turn: 'after resolv.conf',
      make: (host, desired, around) => new NetworkManagerDhcp(host, desired, around),
      undoing: DHCP_UNDOING,
    },
  ],
  scripts: () => [DISPATCHER],
  orphans: (host) =>
    networkManagerIsHere(host)
      ? []
      : [
          ...[DISPATCHER, NETWORK_MANAGER_CONF, DHCP_CONF].filter((file) => host.stat(file) !== null),
          ...editedProfiles(host),
        ],
  sysctls: networkManagerSysctls,
  stage: async (host, holder, iface) => (await import('./stage.ts')).networkManagerStage(host, holder, iface),
  leaseFiles: ['/run/NetworkManager/devices/x'],
};
