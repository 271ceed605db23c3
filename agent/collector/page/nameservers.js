/**
 * `#/nameservers`: every name server that a host is configured for, or asked. Each leads to the question whether it may
 * be switched off.
 *
 * @import { NameserversAnswer } from '../api.ts'
 */
import { getNameservers } from './api.js';
import { byId, fill, html } from './dom.js';
import { age, count, counted } from './format.js';
import { paced } from './paced.js';

/** Milliseconds between two requests, however often hosts report. */
const PACE = 5_000;
/** Milliseconds from a change to the request: the collector's answer may be a second old. */
const SETTLE = 1_100;
const SHOWN = 500;
const TENSES = /** @type {const} */ ({
  now: 'Now',
  asked: 'Asked',
  lease: 'Next lease',
  boot: 'Next boot',
  holder: 'Holders',
});

let inSight = false;
let asking = new AbortController();

/** @param {(error: unknown) => void} failed gets the error of a failed request */
export function nameservers(failed) {
  const soon = paced(PACE, load, SETTLE);

  async function load() {
    asking.abort();
    asking = new AbortController();
    try {
      showAnswer(await getNameservers(SHOWN, asking.signal));
    } catch (error) {
      if (!(error instanceof DOMException)) failed(error);
    }
  }

  return {
    async show() {
      inSight = true;
      document.title = 'Holdfast: name servers';
      await load();
      soon.soon();
    },
    hide() {
      inSight = false;
      soon.stop();
      asking.abort();
    },
    /** Hosts have reported. */
    changed() {
      if (inSight) soon.soon();
    },
  };
}

/** @param {NameserversAnswer} answer */
function showAnswer({ total, nameservers: all }) {
  const section = byId('nameservers', 'section');
  fill(/** @type {Element} */ (section.querySelector('tbody')), all, (rows) => rows.map(line));
  /** @type {HTMLElement} */ (section.querySelector('table')).hidden = total === 0;
  byId('no-nameservers', 'p').hidden = total > 0;
  const more = /** @type {HTMLElement} */ (section.querySelector('.more'));
  more.hidden = total <= SHOWN;
  more.textContent = `The first ${SHOWN} of ${counted(total, 'server')}.`;
}

/** @param {NameserversAnswer['nameservers'][number]} row */
function line({ address, hosts, tenses, lastAsked, example }) {
  const link = html('a', { href: `#/retire?${new URLSearchParams({ address })}` }, address);
  const counts = Object.entries(TENSES).map(([tense, column]) => {
    const many = tenses[/** @type {keyof typeof TENSES} */ (tense)];
    return cell(column, many > 0 ? count(many) : html('span', { class: 'quiet' }, '–'));
  });
  return html(
    'tr',
    { role: 'row', 'data-address': address },
    html('th', { scope: 'row', role: 'rowheader' }, link),
    cell('Hosts', count(hosts)),
    ...counts,
    cell('Last asked', lastAsked > 0 ? age(lastAsked) : html('span', { class: 'quiet' }, 'never seen')),
    html('td', { role: 'cell', 'data-column': 'For example' }, example),
  );
}

/** @param {string} column @param {Node | string} content */
function cell(column, content) {
  return html('td', { role: 'cell', 'data-column': column, class: 'number' }, content);
}
