/**
 * All hosts, the ones that need attention first: filters, search, and one page of the list, kept up to date with the
 * collector. The address holds the search (`#/?search=…&label=…&attention=…&change=…&page=2`), so a reader can keep and send it.
 *
 * @import { HostsAnswer, StreamMessage, SummaryAnswer } from '../api.ts'
 */
import { getHosts } from './api.js';
import { allCodes, attention } from './attention.js';
import { pressChange, showChanges } from './changes.js';
import { arrange, byId, fill, html } from './dom.js';
import { count, counted } from './format.js';
import { rollouts, showRollouts } from './rollouts.js';
import { hostLine } from './row.js';

/** Lines on one page of the list. */
const SIZE = 100;
/** Milliseconds from a change to the next request for the list: changes come in bursts. */
const SETTLE = 500;

const search = byId('search', 'input');
const label = byId('label', 'select');
const previous = byId('previous', 'button');
const next = byId('next', 'button');
const list = /** @type {HTMLElement} */ (byId('hosts', 'table').querySelector('tbody'));

let wanted = { search: '', label: '', attention: '', change: '', page: 1 };
/** @type {Map<string, ReturnType<typeof hostLine>>} */
const lines = new Map();
/**
 * The reasons for attention of each shown line. Other reasons may move the line to another place in the list.
 * @type {Map<string, string>}
 */
const reasons = new Map();
/** @type {Map<string, HTMLButtonElement>} */
const filters = new Map();
let inSight = false;
let total = 0;
let asking = new AbortController();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
let seen = '';

/** @param {(error: unknown) => void} failed gets the error of a failed request */
export function fleet(failed) {
  rollouts(failed);
  let typing = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => go({ search: search.value.trim(), page: 1 }), 150);
  });
  byId('find', 'form').addEventListener('submit', (event) => event.preventDefault());
  label.addEventListener('change', () => go({ label: label.value, page: 1 }));
  previous.addEventListener('click', () => turn(-1));
  next.addEventListener('click', () => turn(1));
  byId('clear', 'button').addEventListener('click', () => {
    go({ search: '', label: '', attention: '', change: '', page: 1 });
    search.focus();
  });

  async function load() {
    clearTimeout(settling);
    settling = undefined;
    asking.abort();
    asking = new AbortController();
    const { page, ...query } = wanted;
    try {
      const answer = await getHosts({ ...query, limit: SIZE, offset: (page - 1) * SIZE }, asking.signal);
      if (answer.hosts.length === 0 && page > 1) go({ page: Math.max(1, Math.ceil(answer.total / SIZE)) });
      else showHosts(answer);
    } catch (error) {
      if (!(error instanceof DOMException)) failed(error);
    }
  }

  return {
    /** @param {URLSearchParams} query of the address */
    async show(query) {
      const page = Number(query.get('page'));
      wanted = {
        search: query.get('search') ?? '',
        label: query.get('label') ?? '',
        attention: query.get('attention') ?? '',
        change: query.get('change') ?? '',
        page: Number.isSafeInteger(page) && page > 1 ? page : 1,
      };
      if (document.activeElement !== search) search.value = wanted.search;
      if (label.options.length > 0) label.value = wanted.label;
      for (const [code, button] of filters) button.setAttribute('aria-pressed', String(code === wanted.attention));
      pressChange(wanted.change);
      inSight = true;
      document.title = 'Holdfast: hosts';
      await load();
    },
    hide() {
      inSight = false;
      clearTimeout(settling);
      settling = undefined;
      asking.abort();
    },
    /** @param {StreamMessage} message */
    changed({ hosts, summary }) {
      showSummary(summary);
      if (!inSight) return;
      // A host may have come, gone, or moved within the list.
      const known = JSON.stringify([summary.hosts, summary.attention, summary.provisional, summary.unseen]);
      let moved = known !== seen;
      for (const row of hosts) {
        lines.get(row.id)?.update(row);
        if (reasons.has(row.id)) moved ||= reasons.get(row.id) !== reasonsOf(row);
      }
      seen = known;
      if (moved && settling === undefined) settling = setTimeout(load, SETTLE);
    },
    showSummary,
  };
}

/** @param {Partial<typeof wanted>} change */
function go(change) {
  const { page, ...query } = { ...wanted, ...change };
  const set = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  if (page > 1) set.set('page', String(page));
  const address = set.size > 0 ? `#/?${set}` : '#/';
  // Letters typed in the search are together one step back, not one step each.
  if ('search' in change) location.replace(address);
  else location.hash = address;
}

/** @param {number} by pages */
function turn(by) {
  go({ page: wanted.page + by });
  window.scrollTo({ top: 0 });
}

/** @param {HostsAnswer} answer */
function showHosts(answer) {
  total = answer.total;
  for (const row of answer.hosts) {
    const line = lines.get(row.id) ?? hostLine(row.id);
    lines.set(row.id, line);
    reasons.set(row.id, reasonsOf(row));
    line.update(row);
  }
  const now = new Set(answer.hosts.map(({ id }) => id));
  for (const id of lines.keys()) {
    if (now.has(id)) continue;
    lines.delete(id);
    reasons.delete(id);
  }
  arrange(
    list,
    answer.hosts.map(({ id }) => /** @type {ReturnType<typeof hostLine>} */ (lines.get(id)).element),
  );
  const first = (wanted.page - 1) * SIZE;
  const last = first + answer.hosts.length;
  fill(
    byId('range'),
    total > 0 ? `${count(first + 1)}–${count(last)} of ${counted(total, 'host')}` : 'No host',
    (text) => [text],
  );
  enable(previous, first > 0, next);
  enable(next, last < total, previous);
  byId('hosts', 'table').hidden = total === 0;
  byId('no-match', 'p').hidden = total > 0;
}

/**
 * A button that is switched off loses the focus, so the focus goes to the second button.
 * @param {HTMLButtonElement} button
 * @param {boolean} on
 * @param {HTMLButtonElement} other
 */
function enable(button, on, other) {
  const focused = document.activeElement === button;
  button.disabled = !on;
  if (focused && !on) {
    other.disabled = false;
    other.focus();
  }
}

/** @param {SummaryAnswer} summary */
function showSummary(summary) {
  byId('nobody').hidden = summary.hosts > 0;
  byId('somebody').hidden = summary.hosts === 0;
  fill(byId('how-to', 'pre'), location.origin, (origin) => [`report:\n  endpoint: ${origin}`]);
  showFilters(summary);
  showChanges(summary, wanted.change, (change) => go({ change, page: 1 }));
  showRollouts(summary.rollouts);
  // The choice is not rebuilt while it is open.
  if (document.activeElement !== label) fill(label, summary.labels, labelOptions);
  label.value = wanted.label;
}

/** @param {SummaryAnswer} summary */
function showFilters({ hosts, attention: counts }) {
  const codes = ['', ...allCodes(counts)];
  for (const code of codes) {
    const button = filters.get(code) ?? filterButton(code);
    filters.set(code, button);
    const many = code === '' ? hosts : (counts[code] ?? 0);
    const { name, level } = code === '' ? { name: 'All hosts', level: '' } : attention(code);
    button.className = many > 0 ? level : '';
    fill(button, [name, many], () => [html('b', {}, count(many)), ' ', name]);
  }
  arrange(
    byId('filters'),
    codes.map((code) => /** @type {HTMLButtonElement} */ (filters.get(code))),
  );
}

/** @param {string} code */
function filterButton(code) {
  const pressed = String(code === wanted.attention);
  const button = html('button', { type: 'button', 'aria-pressed': pressed, 'data-code': code });
  button.addEventListener('click', () => go({ attention: code === wanted.attention ? '' : code, page: 1 }));
  return button;
}

/** @param {SummaryAnswer['labels']} labels */
function labelOptions(labels) {
  const groups = Object.entries(labels).map(([key, values]) =>
    html('optgroup', { label: key }, ...values.map((value) => html('option', { value: `${key}:${value}` }, value))),
  );
  return [html('option', { value: '' }, 'any'), ...groups];
}

/** @param {HostsAnswer['hosts'][number]} row */
const reasonsOf = (row) => row.attention.map(({ code }) => code).join();
