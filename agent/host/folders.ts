/** Gone after a reboot: the lock, the last lease events, what need not be worked out twice. Root's alone to write. */
export const RUN_FOLDER = '/run/holdfast';

/** What outlives a reboot: how the host was, what waits for the collector. */
export const STATE_FOLDER = '/var/lib/holdfast';
