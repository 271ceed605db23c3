/** Numbers and times as people read them. */
import { html } from './dom.js';

const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** 12,345. @param {number} value */
export const count = (value) => integer.format(value);
/** 12.3K. @param {number} value */
export const short = (value) => compact.format(value);
/**
 * 83 %, rounded down: 99.9 % of a table is not the whole table.
 * @param {number} value
 */
export const percent = (value) => share.format(Math.floor(value * 100) / 100);
/**
 * A time with its time zone.
 * @param {number} time milliseconds since the epoch
 */
export const exact = (time) => (isTime(time) ? exactly.format(time) : 'at no known time');

/** `1 host`, `2 hosts`. @param {number} value @param {string} noun */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/**
 * How far the collector's clock is ahead of the browser's, in milliseconds. Ages are counted by the collector's clock,
 * which took the times.
 */
let ahead = 0;

/** @param {string | null} date the `Date` header of an answer that has just come, in whole seconds */
export function setClock(date) {
  const difference = Date.parse(date ?? '') - Date.now();
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) < 2_000 ? 0 : difference;
}

/** Milliseconds since the epoch, by the collector's clock. */
export const now = () => Date.now() + ahead;

/**
 * `12 s ago`, `in 3 min`.
 * @param {number} time milliseconds since the epoch
 */
export function relative(time) {
  if (!isTime(time)) return 'never';
  const age = now() - time;
  const text = span(Math.abs(age));
  if (Math.abs(age) < 1_000) return 'now';
  return age < 0 ? `in ${text}` : `${text} ago`;
}

/** @param {number} milliseconds */
export function span(milliseconds) {
  const seconds = Math.floor(milliseconds / 1_000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 36 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${count(Math.floor(seconds / 86_400))} days`;
}

/**
 * A time whose age is updated.
 * @param {number} time milliseconds since the epoch
 */
export function age(time) {
  const datetime = isTime(time) ? new Date(time).toISOString() : null;
  return html('time', { datetime, title: exact(time), 'data-time': time }, relative(time));
}

/** Updates the ages of all times on the page. */
export function tick() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('time[data-time]'))) {
    const text = relative(Number(element.dataset.time));
    if (element.firstChild && element.textContent !== text) element.firstChild.nodeValue = text;
  }
}

/**
 * The range of a Date (ECMA-262, 21.4.1.1); 0 means no time.
 * @param {number} time
 */
const isTime = (time) => Number.isFinite(time) && time > 0 && time <= 8.64e15;
