/** The list of all DHCP clients. A new client is a folder with a client.ts, and one line here. */
import type { DhcpClient } from './client.ts';
import { dhclientClient } from './dhclient/client.ts';
import { dhcpcdClient } from './dhcpcd/client.ts';
import { networkdClient } from './networkd/client.ts';
import { networkManagerClient } from './networkmanager/client.ts';
import { rdnssdClient } from './rdnssd/client.ts';
import { udhcpcClient } from './udhcpc/client.ts';

export const CLIENTS: readonly DhcpClient[] = [
  dhclientClient,
  dhcpcdClient,
  networkdClient,
  networkManagerClient,
  rdnssdClient,
  udhcpcClient,
];
