/** The meaning of `dhcp` for NetworkManager on one device, and the settings that NetworkManager cannot hold. */
import type { DesiredDhcp } from '../../config/desired.ts';
import type { DhcpSetting } from '../dhcp-settings.ts';
import { isRequested, notSuperseded } from './options.ts';

/** Whether the setting decides something on the device: an interface's own value replaces the general one. */
export function decides({ interfaces }: DesiredDhcp, setting: DhcpSetting, device: string): boolean {
  if (setting.interface !== null) return setting.interface === device;
  return setting.asks.part !== 'supersede' || interfaces.get(device)?.supersede.has(setting.asks.option) !== true;
}

/**
 * Why NetworkManager cannot hold the setting, and what to write in its place. null if it can, or if it does so by
 * itself: it never asks for most options.
 */
export function notHeld({ asks, values }: DhcpSetting): string | null {
  if (asks.part === 'supersede') return notSuperseded(asks.option);
  if (asks.part === 'request.without') {
    const asked = values.filter(isRequested);
    if (asked.length === 0) return null;
    const ignore = asked.some((option) => ROUTES.test(option)) ? '; for routes write ignore: [routers, …]' : '';
    return `NetworkManager always asks for ${asked.join(', ')}, and no setting changes its request list${ignore}`;
  }
  if (asks.part === 'request.also') {
    const never = values.filter((option) => !isRequested(option));
    if (never.length === 0) return null;
    return `NetworkManager never asks for ${never.join(', ')}, and no setting changes its request list`;
  }
  return null;
}

const ROUTES = /^(routers|static-routes|rfc3442-classless-static-routes|ms-classless-static-routes)$/;
