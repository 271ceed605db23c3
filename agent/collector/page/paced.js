/** Bounds how often something is done that changes ask for. */

/**
 * Runs at most once in `milliseconds`; requests in between lead to one run at the end.
 * @param {number} milliseconds
 * @param {() => Promise<void>} action
 * @param {number} [settle] milliseconds after a change until a run sees it: a run that is earlier is followed by another
 */
export function paced(milliseconds, action, settle = 0) {
  let last = 0;
  /** When a run sees the last change. */
  let due = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {number} wait */
  function start(wait) {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = undefined;
      last = Date.now();
      action();
      if (due > last) start(Math.max(due - last, milliseconds));
    }, wait);
  }

  return {
    soon(wait = Math.max(settle, last + milliseconds - Date.now())) {
      due = Date.now() + settle;
      if (waiting === undefined || wait === 0) start(wait);
    },
    stop() {
      clearTimeout(waiting);
      waiting = undefined;
    },
  };
}
