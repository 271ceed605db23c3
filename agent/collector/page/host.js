/**
 * One host: its needs, its settings at their three moments, its routes over time, its events.
 *
 * @import { HostAnswer, HostEvent, HostRow, SeriesAnswer, StreamMessage } from '../api.ts'
 */
import { ApiError, getEvents, getHost, getSeries } from './api.js';
import { attention } from './attention.js';
import { standingWords } from './changes.js';
import { routeChart } from './chart.js';
import { byId, fill, html } from './dom.js';
import { age, count, now } from './format.js';
import { paced } from './paced.js';
import { labelTags } from './row.js';

/** Milliseconds between two requests for the details, however often the host's line changes. */
const DETAILS = 1_000;
/** Milliseconds between two requests for the routes. */
const SERIES = 5_000;
const OLDER = 50;

const MOMENTS = /** @type {const} */ (['now', 'lease', 'boot']);
const HOUR = 3_600_000;
const SPANS = { '1 hour': HOUR, '24 hours': 24 * HOUR, '7 days': 7 * 24 * HOUR };

/** @type {Record<string, { mark: string, level: string }>} */
const STATES = {
  ok: { mark: '✓', level: 'good' },
  drifted: { mark: '✗', level: 'warn' },
  unknown: { mark: '?', level: 'quiet' },
  skipped: { mark: '–', level: 'quiet' },
};

const charts = { ipv4: routeChart('IPv4'), ipv6: routeChart('IPv6') };
const title = byId('host-title');
const older = byId('older', 'button');
const spans = byId('spans');

/**
 * The shown host; null if none is shown.
 * @type {string | null}
 */
let shown = null;
/** @type {HostRow | null} */
let row = null;
let span = HOUR;
let asking = new AbortController();
/** Newest first. @type {readonly HostEvent[]} */
let events = [];
let noMore = false;

/** @param {(error: unknown) => void} failed gets the error of a failed request */
export function host(failed) {
  byId('charts').append(charts.ipv4.element, charts.ipv6.element);
  for (const [name, milliseconds] of Object.entries(SPANS)) {
    const button = html('button', { type: 'button', 'aria-pressed': String(milliseconds === span) }, name);
    button.addEventListener('click', () => {
      span = milliseconds;
      for (const each of spans.children) each.setAttribute('aria-pressed', String(each === button));
      series.soon(0);
    });
    spans.append(button);
  }
  older.addEventListener('click', attempt(moreEvents));

  const details = paced(DETAILS, attempt(loadHost));
  const series = paced(SERIES, attempt(loadSeries));

  /** @param {() => Promise<void>} action */
  function attempt(action) {
    return async () => {
      try {
        await action();
      } catch (error) {
        if (!(error instanceof DOMException)) failed(error);
      }
    };
  }

  return {
    /** @param {string} id */
    async show(id) {
      if (id !== shown) {
        this.hide();
        shown = id;
        title.textContent = id;
        events = [];
        noMore = false;
        byId('present').hidden = true;
        byId('absent', 'p').hidden = true;
      }
      await attempt(loadHost)();
      if (row) await attempt(loadSeries)();
    },
    hide() {
      shown = null;
      row = null;
      details.stop();
      series.stop();
      asking.abort();
      asking = new AbortController();
    },
    /** @param {StreamMessage} message */
    changed({ hosts }) {
      const changed = hosts.find(({ id }) => id === shown);
      if (!changed) return;
      showRow(changed);
      details.soon();
      series.soon();
    },
  };
}

async function loadHost() {
  if (shown === null) return;
  const id = shown;
  try {
    const answer = await getHost(id, asking.signal);
    showRow(answer.host);
    showSettings(answer.settings);
    showInventory(answer.inventory);
    showEvents(withRecent(answer.events));
    byId('present').hidden = false;
    byId('absent', 'p').hidden = true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    document.title = 'Holdfast: unknown host';
    byId('present').hidden = true;
    byId('absent', 'p').hidden = false;
  }
}

/** @param {HostRow} now */
function showRow(now) {
  row = now;
  title.textContent = row.name || row.id;
  document.title = `${row.name || row.id}: Holdfast`;
  fill(byId('facts', 'dl'), { ...row, settings: null, routes: null, attention: null }, facts);
  byId('attention', 'section').hidden = row.attention.length === 0;
  fill(/** @type {Element} */ (byId('attention').firstElementChild), row.attention, (all) =>
    all.map(({ code, text, since }) => {
      const { name, level } = attention(code);
      return html(
        'li',
        {},
        html('span', { class: `tag ${level}` }, name),
        ` ${text} `,
        html('span', { class: 'quiet' }, 'since ', age(since)),
      );
    }),
  );
}

/** @param {Pick<HostRow, 'id' | 'lastSeen' | 'silent' | 'agent' | 'kernel' | 'labels' | 'memoryErrors' | 'provisional' | 'unseen' | 'wave'>} row */
function facts({ id, lastSeen, silent, agent, kernel, labels, memoryErrors, provisional, unseen, wave }) {
  /** @type {[string, (Node | string)[]][]} */
  const changes = [];
  if (provisional) changes.push(['Provisional change', [html('code', {}, provisional)]]);
  if (unseen) changes.push(['Change', [html('code', {}, unseen.change), ` ${standingWords(unseen.moments)}`]]);
  if (wave?.standing === 'waiting') changes.push(['Waits for its wave', ['change ', html('code', {}, wave.change)]]);
  /** @type {typeof changes} */
  const all = [
    ['Last seen', [age(lastSeen), silent ? html('b', { class: 'bad' }, ' silent') : '']],
    ['Agent', [agent || 'unknown']],
    ['Kernel', [kernel || 'unknown']],
    ['Memory errors in 24 h', [count(memoryErrors)]],
    ...changes,
    ['Labels', Object.keys(labels).length > 0 ? [html('span', { class: 'labels' }, ...labelTags(labels))] : ['none']],
    ['Id', [html('code', {}, id)]],
  ];
  return all.map(([name, values]) => html('div', {}, html('dt', {}, name), html('dd', {}, ...values)));
}

/** @param {HostAnswer['inventory']} inventory */
function showInventory(inventory) {
  byId('inventory', 'details').hidden = Object.keys(inventory).length === 0;
  fill(/** @type {Element} */ (byId('inventory').lastElementChild), inventory, (all) =>
    Object.entries(all).map(([what, text]) => html('div', {}, html('dt', {}, what), html('dd', {}, text))),
  );
}

/** @param {HostAnswer['settings']} settings */
function showSettings(settings) {
  byId('settings', 'table').hidden = settings.length === 0;
  byId('no-settings', 'p').hidden = settings.length > 0;
  fill(/** @type {Element} */ (byId('settings', 'table').querySelector('tbody')), settings, () =>
    settings.map(({ setting, moments }) =>
      html('tr', {}, html('th', { scope: 'row' }, setting), ...MOMENTS.map((moment) => momentCell(moments[moment]))),
    ),
  );
}

/** @param {string | undefined} state */
function momentCell(state) {
  if (state === undefined)
    return html('td', { class: 'quiet' }, html('span', { 'aria-label': 'not held at this moment' }, ''));
  const { mark, level } = Object.hasOwn(STATES, state)
    ? /** @type {{ mark: string, level: string }} */ (STATES[state])
    : { mark: '?', level: 'quiet' };
  return html('td', { class: level }, html('span', { class: 'mark', 'aria-hidden': 'true' }, mark), ` ${state}`);
}

async function loadSeries() {
  if (shown === null || row === null) return;
  const to = now();
  const from = to - span;
  const query = { from: Math.floor(from), to: Math.ceil(to), points: 300 };
  const id = shown;
  const [counts, entries] = await Promise.all([
    getSeries(id, { metric: 'system.network.route.count', ...query }, asking.signal),
    getSeries(id, { metric: 'system.network.route.cache', ...query }, asking.signal),
  ]);
  for (const [family, chart] of /** @type {['ipv4' | 'ipv6', typeof charts.ipv4][]} */ (Object.entries(charts))) {
    const limit = row?.routes[family]?.limit ?? null;
    chart.update({
      points: total(counts, family),
      entries: limit === null ? [] : total(entries, family),
      limit,
      from,
      to,
    });
  }
}

/**
 * The series of a whole family: series by table and protocol have more attributes.
 * @param {SeriesAnswer} answer
 * @param {string} family
 */
function total({ series }, family) {
  const [whole] = series
    .filter(({ attributes }) => attributes['network.type'] === family)
    .toSorted((a, b) => Object.keys(a.attributes).length - Object.keys(b.attributes).length);
  return whole?.points ?? [];
}

async function moreEvents() {
  const last = events.at(-1);
  if (shown === null || !last) return;
  const found = await getEvents(shown, last, OLDER, asking.signal);
  noMore = found.length === 0;
  showEvents([...events, ...found]);
}

/**
 * Older events that the reader asked for stay below the recent ones, unless that would leave a gap between them.
 * @param {readonly HostEvent[]} recent
 */
function withRecent(recent) {
  const oldest = recent.at(-1);
  if (!oldest) return recent;
  const place = events.findIndex((event) => same(event, oldest));
  return place < 0 ? recent : [...recent, ...events.slice(place + 1)];
}

/** @param {HostEvent} a @param {HostEvent} b */
const same = (a, b) => a.id === b.id && a.time === b.time;

/** @param {readonly HostEvent[]} all */
function showEvents(all) {
  events = all;
  byId('events', 'table').hidden = all.length === 0;
  byId('no-events', 'p').hidden = all.length > 0;
  older.hidden = all.length === 0 || noMore;
  fill(/** @type {Element} */ (byId('events', 'table').querySelector('tbody')), all, () => all.map(eventLine));
}

/** @param {HostEvent} event */
function eventLine({ time, name, severity, body, attributes }) {
  const level = { error: 'bad', warn: 'warn', info: 'quiet' }[severity] ?? 'quiet';
  const more = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return html(
    'tr',
    {},
    html('td', { class: 'when' }, age(time)),
    html('td', {}, html('span', { class: `tag ${level}` }, severity)),
    html('th', { scope: 'row' }, name.replace(/^holdfast\./, '')),
    html(
      'td',
      { class: 'body' },
      body,
      more.length > 0 ? html('span', { class: 'quiet attributes' }, more.join('  ')) : '',
    ),
  );
}
