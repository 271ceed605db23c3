import type { IgnoredOffer } from '../desired.ts';

/** The options that carry an offer that can be ignored. Router advertisements come without DHCP. */
export const OFFER_OPTIONS: Readonly<Record<IgnoredOffer, readonly string[]>> = {
  routers: ['routers'],
  'classless-routes': ['rfc3442-classless-static-routes', 'ms-classless-static-routes'],
  'router-advertisements': [],
};
