/**
 * The collector's page: shows the part that the address names, and keeps it up to date. `#/` is the fleet (fleet.js),
 * `#/host/ID` one host (host.js), `#/nameservers` all name servers (nameservers.js), `#/retire?address=` the question
 * whether one may be switched off (retire.js).
 *
 * @import { SummaryAnswer } from '../api.ts'
 */
import { ApiError, followStream, getSummary, hasToken, setToken } from './api.js';
import { allCodes, attention } from './attention.js';
import { byId, fill, html } from './dom.js';
import { fleet } from './fleet.js';
import { age, count, counted, exact, now, tick } from './format.js';
import { host } from './host.js';
import { nameservers } from './nameservers.js';
import { retire } from './retire.js';

/** Milliseconds until a failed request is repeated. */
const RETRY = 5_000;

const fleetView = fleet(failed);
const hostView = host(failed);
const retireView = retire(failed);
const nameserversView = nameservers(failed);
/** The parts of the page by the id of their element. */
const views = { fleet: fleetView, host: hostView, retire: retireView, nameservers: nameserversView };
const connection = byId('connection', 'span');
const problem = byId('problem', 'p');
const news = byId('news', 'p');

/** The place in the list that the reader left, restored on the way back. */
let left = { at: 0, on: /** @type {Element | null} */ (null) };
/** The address of the list with its filters. */
let list = '#/';
let lastHeard = 0;
let lastNews = '';
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retrying;
let started = false;

/** @param {boolean} [moved] the reader came from another part of the page, and did not open the page at this address */
async function route(moved = false) {
  const [path = '', query = ''] = location.hash.slice(1).split('?');
  clearTimeout(retrying);
  problem.hidden = true;
  const id = /^\/host\/(.+)$/.exec(path)?.[1];
  const part =
    id !== undefined ? 'host' : path === '/retire' ? 'retire' : path === '/nameservers' ? 'nameservers' : 'fleet';
  const before = Object.keys(views).find((name) => !byId(name).hidden);
  if (before === 'fleet' && part !== 'fleet') left = { at: scrollY, on: document.activeElement };
  if (part === 'fleet') list = location.hash || '#/';
  for (const [name, view] of Object.entries(views)) {
    if (name !== part) view.hide();
    byId(name).hidden = name !== part;
  }
  for (const link of byId('parts', 'nav').querySelectorAll('a')) {
    const here = link.hash.slice(1) === (part === 'fleet' ? '/' : `/${part}`);
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  byId('back', 'a').href = list;
  const parameters = new URLSearchParams(query);
  const arrived = moved && (before !== part || part === 'host');
  if (arrived && part !== 'fleet') scrollTo({ top: 0 });
  if (before !== undefined && before !== part && part === 'fleet') comeBack();
  if (part === 'host') await hostView.show(decoded(id ?? ''));
  else if (part === 'fleet') await fleetView.show(parameters);
  else if (part === 'retire') await retireView.show(parameters);
  else await nameserversView.show();
  if (arrived && part !== 'fleet') byId(`${part}-title`).focus({ preventScroll: true });
}

/** Puts the focus and the scrolled place of the list where the reader left them. */
function comeBack() {
  if (left.on instanceof HTMLElement && left.on.isConnected) left.on.focus({ preventScroll: true });
  else byId('fleet-title').focus({ preventScroll: true });
  scrollTo({ top: left.at });
}

/** @param {string} id */
function decoded(id) {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

async function start() {
  try {
    heard(await getSummary());
  } catch (error) {
    failed(error);
    return;
  }
  byId('sign-in', 'form').hidden = true;
  await route();
  started = true;
}

/** @param {SummaryAnswer} summary */
function heard(summary) {
  lastHeard = now();
  byId('total', 'span').textContent = counted(summary.hosts, 'host');
  byId('version', 'footer').textContent = `Holdfast collector ${summary.version}`;
  fleetView.showSummary(summary);
  showTrouble(summary.trouble ?? []);
  const parts = allCodes(summary.attention).flatMap((code) => {
    const many = summary.attention[code] ?? 0;
    return many > 0 ? [`${attention(code).name}: ${count(many)}`] : [];
  });
  const text = parts.length > 0 ? `Hosts that need attention. ${parts.join(', ')}.` : 'No host needs attention.';
  if (started && text !== lastNews) news.textContent = text;
  lastNews = text;
}

/**
 * Shown before all else: a trouble of the collector can make its hosts look wrong.
 * @param {SummaryAnswer['trouble']} all
 */
function showTrouble(all) {
  byId('trouble', 'section').hidden = all.length === 0;
  fill(/** @type {Element} */ (byId('trouble').querySelector('ul')), all, () =>
    all.map(({ text, since }) => html('li', {}, text, ' ', html('span', { class: 'quiet' }, 'since ', age(since)))),
  );
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof ApiError && error.status === 401) {
    const form = byId('sign-in', 'form');
    byId('refused', 'p').hidden = !hasToken();
    if (!form.hidden) return;
    form.hidden = false;
    for (const view of Object.keys(views)) byId(view).hidden = true;
    byId('token', 'input').focus();
    return;
  }
  const what = error instanceof Error ? error.message : String(error);
  problem.textContent = `${what}. Trying again in ${RETRY / 1_000} s.`;
  problem.hidden = false;
  clearTimeout(retrying);
  retrying = setTimeout(() => (started ? route() : start()), RETRY);
}

const stream = followStream({
  async connected() {
    connection.textContent = 'Live';
    connection.dataset.state = 'live';
    problem.hidden = true;
    // Fetches the changes from the time without a stream.
    await start();
  },
  lost(error, retryIn) {
    if (error.status === 401) return failed(error);
    const since = lastHeard > 0 ? ` What you see is of ${exact(lastHeard)}.` : '';
    connection.textContent = `Connection lost. Trying again in ${Math.ceil(retryIn / 1_000)} s.${since}`;
    connection.dataset.state = 'lost';
  },
  message(message) {
    heard(message.summary);
    if (!started) return;
    fleetView.changed(message);
    hostView.changed(message);
    retireView.changed();
    nameserversView.changed();
  },
});

byId('sign-in', 'form').addEventListener('submit', (event) => {
  event.preventDefault();
  setToken(byId('token', 'input').value);
  stream.retry();
});
addEventListener('hashchange', () => {
  if (started) route(true);
});
// The part after # is the page's own address, so this link must not change it.
byId('skip', 'a').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
addEventListener('online', () => stream.retry());
setInterval(tick, 1_000);
