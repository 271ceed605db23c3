/** The places of the lines of a chart's axes: at round numbers and at round times of the reader's clock. */

/**
 * From 0 to `most` or a little more, in 3 to 6 round steps: whole numbers, because there is no half route.
 * @param {number} most
 */
export function niceSteps(most) {
  const rough = most / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, magnitude * ([1, 2, 2.5, 5, 10].find((factor) => magnitude * factor >= rough) ?? 10));
  return Array.from({ length: Math.max(1, Math.ceil(most / step)) + 1 }, (_, index) => index * step);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const spans = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE]
  .concat([HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR])
  .concat([DAY, 2 * DAY, 7 * DAY, 30 * DAY]);

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/**
 * @param {number} from @param {number} to milliseconds since the epoch
 * @param {number} most how many there is room for
 */
export function clockTicks(from, to, most) {
  const span = spans.find((each) => (to - from) / each <= most) ?? 30 * DAY;
  // Round on the reader's clock, not on UTC.
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const ticks = [];
  for (let time = Math.ceil((from - offset) / span) * span + offset; time <= to; time += span) {
    ticks.push({ time, text: (span >= DAY ? day : clock).format(time) });
  }
  return ticks;
}
