/** Gone after a reboot: the lock, the last lease events, what need not be worked out twice. Root's alone to write. */
export const RUN_FOLDER = '/run/holdfast';

/** What outlives a reboot: how the host was, what waits for the collector. */
export const STATE_FOLDER = '/var/lib/holdfast';

/** Which routes dhclient's exit hook has made, beside the agent's own record: lines of the same kind, known beforehand. */
export const HOOK_ROUTES = `${RUN_FOLDER}/routes.hook`;

/** There as long as a dhclient is being started again: what the next agent has to know of it, were this one killed. */
export const RESTART = `${RUN_FOLDER}/restart`;

/** Whether the DHCP server's default route was put `behind` the others, or `dropped` (agent/egress): one word. */
export const EGRESS = `${RUN_FOLDER}/egress`;
