/** Holds the lock, the last lease events and results worth keeping. Empty after a reboot. Only root may write there. */
export const RUN_FOLDER = '/run/holdfast';

/** Outlives a reboot: the host's original state, and what waits for the collector. */
export const STATE_FOLDER = '/var/lib/holdfast';

/** The routes that dhclient's exit hook made, one a line, beside the agent's own record. */
export const HOOK_ROUTES = `${RUN_FOLDER}/routes.hook`;

/**
 * Exists while a dhclient is being restarted. If this agent is killed, the next agent reads it to finish the restart.
 */
export const RESTART = `${RUN_FOLDER}/restart`;

/**
 * Whether the DHCP server's default route was put `behind` the others, was `dropped`, or is `ahead`
 * (agent/egress/note.ts).
 */
export const EGRESS = `${RUN_FOLDER}/egress`;

/**
 * A random text that identifies this boot. The kernel's own boot_id does not: in a container of systemd-nspawn it
 * differs between a shell and a service with ProtectProc=.
 */
export const BOOT_MARK = `${RUN_FOLDER}/boot`;

/** Held by the one daemon of this host, with its process number in it. */
export const DAEMON = `${RUN_FOLDER}/daemon`;

/** The hash of the configuration that the daemon has taken. */
export const IN_FORCE = `${RUN_FOLDER}/in-force`;

/**
 * The hash of a configuration that an apply made true and that the daemon is to take. Exists until the daemon has read
 * it.
 */
export const HANDED_OVER = `${RUN_FOLDER}/handed-over`;

/** Exists while a change is on trial: its record, its journal, and the executable that undoes it (agent/confirm/trial). */
export const TRIAL = `${STATE_FOLDER}/trial`;

/** The change that stays although it is not proved, now or at its later moments. */
export const PROVISIONAL = `${STATE_FOLDER}/provisional`;

/** The state before that change, its configuration, and the one that was confirmed before it. */
export const PROVISIONAL_UNDO = `${STATE_FOLDER}/provisional-undo`;

/** The change that was put back last, which is not tried again. */
export const PUT_BACK = `${STATE_FOLDER}/put-back`;

/** The configuration that was confirmed last, with its files' bytes. */
export const CONFIRMED = `${STATE_FOLDER}/confirmed`;

/** The last change about which this host asked its collector (`confirm.waves`). */
export const WAVE = `${STATE_FOLDER}/wave`;
