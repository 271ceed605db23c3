/**
 * One line of the list of hosts. A cell is rebuilt only if its data changes. A line under the pointer or with the focus
 * therefore stays as it is while heartbeats come in.
 *
 * @import { HostRow, RouteTable } from '../api.ts'
 */
import { attention } from './attention.js';
import { fill, html } from './dom.js';
import { age, count, counted, exact, percent, short } from './format.js';

/** From this share on, a table counts as near its limit. */
export const NEAR = 0.8;

/** @param {string} id */
export function hostLine(id) {
  const name = html('a', { href: hostAddress(id) });
  const labels = html('span', { class: 'labels' });
  const cells = {
    attention: html('td', { role: 'cell', 'data-column': 'Needs attention', class: 'attention' }),
    settings: html('td', { role: 'cell', 'data-column': 'Settings' }),
    ipv4: html('td', { role: 'cell', 'data-column': 'IPv4 routes', class: 'number' }),
    ipv6: html('td', { role: 'cell', 'data-column': 'IPv6 routes', class: 'number' }),
    errors: html('td', { role: 'cell', 'data-column': 'Memory errors', class: 'number' }),
    seen: html('td', { role: 'cell', 'data-column': 'Last seen', class: 'number' }),
  };
  const head = html('th', { scope: 'row', role: 'rowheader' }, name, labels);
  const element = html('tr', { role: 'row', 'data-host': id }, head, ...Object.values(cells));
  return {
    element,
    /** @param {HostRow} row */
    update(row) {
      fill(name, row.name || row.id, (text) => [text]);
      fill(labels, row.labels, labelTags);
      fill(cells.attention, row.attention, reasons);
      fill(cells.settings, row.settings, settings);
      fill(cells.ipv4, row.routes.ipv4, routes);
      fill(cells.ipv6, row.routes.ipv6, routes);
      fill(cells.errors, row.memoryErrors, (errors) => [errors > 0 ? html('b', { class: 'bad' }, short(errors)) : '0']);
      fill(cells.seen, row.lastSeen, (time) => [age(time)]);
      element.dataset.level = worst(row);
    },
  };
}

/** @param {string} id */
export const hostAddress = (id) => `#/host/${encodeURIComponent(id)}`;

/** @param {Readonly<Record<string, string>>} labels */
export const labelTags = (labels) => Object.entries(labels).map(([key, value]) => html('span', {}, `${key}:${value}`));

/** @param {HostRow} row @returns {'bad' | 'warn' | 'good'} */
function worst({ attention: reasons }) {
  if (reasons.length === 0) return 'good';
  return reasons.some(({ code }) => attention(code).level === 'bad') ? 'bad' : 'warn';
}

/** @param {HostRow['attention']} all */
function reasons(all) {
  return all.map(({ code, text, since }) => {
    const { name, level } = attention(code);
    return html('span', { class: `tag ${level}`, title: `${text}\nsince ${exact(since)}` }, name);
  });
}

/** @param {HostRow['settings']} settings */
function settings({ ok, drifted, unknown }) {
  const parts = [];
  if (drifted > 0) parts.push(html('b', { class: 'warn' }, `${count(drifted)} drifted`));
  if (unknown > 0) parts.push(html('span', { class: 'quiet' }, `${count(unknown)} unknown`));
  if (ok > 0) parts.push(html('span', {}, `${count(ok)} ok`));
  return parts.length > 0 ? parts.flatMap((part, index) => (index > 0 ? [', ', part] : [part])) : ['none'];
}

/** @param {RouteTable | null} table */
function routes(table) {
  if (!table) return [html('span', { class: 'quiet', title: 'Not reported' }, '–')];
  const { count: held, limit, used: entries } = table;
  if (limit === null) return [count(held)];
  const used = limit > 0 ? entries / limit : 1;
  const level = used >= NEAR ? 'bad' : 'good';
  const text = `${counted(held, 'route')}; ${count(entries)} of at most ${count(limit)} entries: ${percent(used)}`;
  // The number says the same as the bar, which is only for the eye.
  const bar = html('span', { class: `bar ${level}`, 'aria-hidden': 'true' }, html('span'));
  /** @type {HTMLElement} */ (bar.firstChild).style.width = `${Math.min(100, used * 100)}%`;
  return [html('span', { title: text }, `${count(held)} `, html('span', { class: level }, percent(used)), bar)];
}
