/**
 * `#/retire?address=…`: whether an address may be switched off. The answer follows the fleet while the page is open.
 *
 * @import { Dependent, HostDependence, RetireAnswer, UnseenHost } from '../api.ts'
 */
import { ApiError, getVerdict, getVerdictFile, retireHost } from './api.js';
import { byId, fill, html } from './dom.js';
import { age, count, counted, exact, now, span } from './format.js';
import { paced } from './paced.js';
import { hostAddress } from './row.js';
import { withWriteToken } from './write-token.js';

/** Milliseconds between two requests, however often hosts report. */
const PACE = 2_000;
/** Milliseconds from a change to the request: the collector's answer may be a second old. */
const SETTLE = 1_100;
/** Milliseconds until an answer is asked for again, although nothing was heard of a change. */
const OLD = 15_000;
/** Hosts of each kind that are shown. */
const SHOWN = 100;

/** @type {Record<string, { mark: string, level: string }>} */
const VERDICTS = {
  safe: { mark: '✓', level: 'good' },
  'not-safe': { mark: '✗', level: 'bad' },
  unknown: { mark: '?', level: 'warn' },
};

/** @type {Record<string, string>} */
const TENSES = { now: 'now', asked: 'asked', lease: 'next lease', boot: 'next boot', holder: 'while it runs' };

const input = byId('address', 'input');
const wrong = byId('no-address', 'p');
const write = byId('write', 'form');
const notRetired = byId('not-retired', 'p');

/** The address that the reader asked for; '' if none. */
let wanted = '';
let inSight = false;
let asking = new AbortController();

/** @param {(error: unknown) => void} failed gets the error of a failed request */
export function retire(failed) {
  const soon = paced(PACE, load, SETTLE);

  async function load() {
    if (!inSight || wanted === '') return;
    asking.abort();
    asking = new AbortController();
    try {
      showAnswer(await getVerdict(wanted, SHOWN, asking.signal));
      wrong.hidden = true;
    } catch (error) {
      if (error instanceof DOMException) return;
      // A verdict that may be old must not be taken for the present one.
      byId('verdict').hidden = true;
      document.title = `? ${wanted}: Holdfast`;
      if (!(error instanceof ApiError) || error.status !== 400) return failed(error);
      wrong.textContent = `${wanted} is not an IP address.`;
      wrong.hidden = false;
    }
  }

  const attempt = withWriteToken({ form: write, input: byId('write-token', 'input'), refused: notRetired }, failed);

  /** @param {string} id */
  const take = (id) =>
    attempt(async (token) => {
      await retireHost(id, token);
      await load();
    });

  byId('ask', 'form').addEventListener('submit', (event) => {
    event.preventDefault();
    const address = `#/retire?${new URLSearchParams({ address: input.value.trim() })}`;
    if (location.hash === address) load();
    else location.hash = address;
  });
  bodyOf('unseen').addEventListener('click', (event) => {
    const button = event.target instanceof HTMLButtonElement ? event.target : null;
    const { host: id = '', name = '' } = button?.dataset ?? {};
    if (id !== '' && confirm(`Retire ${name}? It is expected no longer. It comes back by itself if it reports again.`))
      take(id);
  });
  setInterval(() => load(), OLD);
  byId('csv', 'button').addEventListener('click', () => save(failed));

  return {
    /** @param {URLSearchParams} query of the address */
    async show(query) {
      inSight = true;
      const address = query.get('address') ?? '';
      document.title = address === '' ? 'Holdfast: may I switch off …?' : `Holdfast: may I switch off ${address}?`;
      if (address !== wanted) {
        wanted = address;
        for (const each of [byId('verdict'), wrong, write, notRetired]) each.hidden = true;
      }
      if (document.activeElement !== input) input.value = address;
      await load();
      if (wanted !== '') soon.soon();
    },
    hide() {
      inSight = false;
      soon.stop();
      asking.abort();
    },
    /** Hosts have reported. */
    changed() {
      if (inSight && wanted !== '') soon.soon();
    },
  };
}

/** @param {RetireAnswer} answer */
function showAnswer(answer) {
  const { verdict, sentence, dependents, unseen } = answer;
  const { mark, level } = VERDICTS[verdict] ?? { mark: '?', level: 'warn' };
  byId('verdict').hidden = false;
  const line = byId('answer', 'p');
  line.dataset.level = level;
  fill(line, [mark, sentence], () => [html('span', { class: level, 'aria-hidden': 'true' }, mark), ' ', sentence]);
  // The countdown is shown to the minute, and rebuilt when that changes.
  const left = answer.safeAt === null ? null : Math.ceil(Math.max(0, answer.safeAt - now()) / 60_000) * 60_000;
  const { hosts, lastAsked, window, longestLease } = answer;
  fill(byId('proof', 'dl'), { left, hosts, lastAsked, window, longestLease, safeAt: answer.safeAt }, proof);
  byId('dependents').hidden = dependents.total === 0;
  fill(bodyOf('dependents'), dependents.hosts, (all) => all.flatMap(dependentLines));
  more('dependents', dependents.total);
  byId('unseen').hidden = unseen.total === 0;
  fill(bodyOf('unseen'), unseen.hosts, (all) => all.map(unseenLine));
  more('unseen', unseen.total);
  document.title = `${mark} ${answer.address}: Holdfast`;
}

/** @param {Pick<RetireAnswer, 'hosts' | 'lastAsked' | 'window' | 'longestLease' | 'safeAt'> & { left: number | null }} facts */
function proof({ hosts, lastAsked, window, longestLease, safeAt, left }) {
  const twice =
    longestLease !== null && 2 * longestLease.time >= window
      ? [', twice the longest lease of the fleet (', hostLink(longestLease.id, longestLease.name), ')']
      : [];
  const by =
    lastAsked === null ? '' : [lastAsked.unit, lastAsked.user && `user ${lastAsked.user}`].filter(Boolean).join(', ');
  return [
    ...fact('Hosts looked at', count(hosts)),
    ...fact(
      'Last asked',
      ...(lastAsked === null
        ? ['never, as far as is known']
        : [age(lastAsked.time), ' by ', by || 'a program', ' on ', hostLink(lastAsked.id, lastAsked.name)]),
    ),
    ...fact('Nobody may ask it for', span(window), ...twice),
    ...(left === null || safeAt === null
      ? []
      : fact('Safe in', html('b', {}, span(left)), ` if nobody asks it until then: ${exact(safeAt)}`)),
  ];
}

/** @param {string} term @param {...(Node | string)} content */
function fact(term, ...content) {
  return [html('div', {}, html('dt', {}, term), html('dd', {}, ...content))];
}

/** One line for each dependence; the host's name stands on the first. @param {Dependent} host */
function dependentLines({ id, name, standing, seen, dependences }) {
  return dependences.map((one, index) => {
    const silent =
      standing === 'reports' ? [] : [' ', html('span', { class: 'quiet' }, `${standing}, seen `, age(seen))];
    const head = html(
      'th',
      { scope: 'row', role: 'rowheader' },
      ...(index === 0 ? [hostLink(id, name), ...silent] : []),
    );
    if (index > 0) head.append(html('span', { class: 'heard' }, name));
    return html('tr', { role: 'row', 'data-host': id }, head, ...dependenceCells(one));
  });
}

/** @param {HostDependence} one */
function dependenceCells({ tense, source, who, where, reason, cure }) {
  const place = [who || source, where].filter((part) => part !== '');
  return [
    cell('When', TENSES[tense] ?? tense),
    cell('Who', ...place.map((part, index) => html(index > 0 ? 'code' : 'span', { class: 'line' }, part))),
    cell('Why', reason),
    cell('What ends it', cure),
  ];
}

/** @param {UnseenHost} host */
function unseenLine({ id, name, standing, seen, reasons }) {
  const known = standing === 'reports' || standing === 'silent';
  const head = html('th', { scope: 'row', role: 'rowheader' }, known ? hostLink(id, name) : name);
  const label = `Retire ${name}`;
  const button = html('button', { type: 'button', 'data-host': id, 'data-name': name, 'aria-label': label }, 'Retire');
  return html(
    'tr',
    { role: 'row', 'data-host': id },
    head,
    cell('Last seen', seen > 0 ? age(seen) : 'never'),
    cell('What could not be seen', ...reasons.map((reason) => html('span', { class: 'line' }, reason))),
    cell('', ...(standing === 'reports' ? [] : [button])),
  );
}

/** @param {string} column @param {...(Node | string)} content */
function cell(column, ...content) {
  return html('td', { role: 'cell', 'data-column': column }, ...content);
}

/** @param {string} id @param {string} name */
const hostLink = (id, name) => html('a', { href: hostAddress(id) }, name);

/** @param {string} id of a section with a table */
const bodyOf = (id) => /** @type {HTMLElement} */ (byId(id).querySelector('tbody'));

/** @param {string} id of a section @param {number} total */
function more(id, total) {
  const line = /** @type {HTMLElement} */ (byId(id).querySelector('.more'));
  line.hidden = total <= SHOWN;
  line.textContent = `The first ${SHOWN} of ${counted(total, 'host')}. The CSV has all.`;
}

/** @param {(error: unknown) => void} failed */
async function save(failed) {
  try {
    const link = html('a', {
      href: URL.createObjectURL(await getVerdictFile(wanted)),
      download: `retire-${wanted}.csv`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    failed(error);
  }
}
