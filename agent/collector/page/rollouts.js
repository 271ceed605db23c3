/**
 * Rollouts by waves: how far each is, with a button to stop it, or to let it go on.
 *
 * @import { RolloutRow, SummaryAnswer } from '../api.ts'
 */
import { decideRollout } from './api.js';
import { arrange, byId, fill, html } from './dom.js';
import { age, count, counted } from './format.js';
import { withWriteToken } from './write-token.js';

const section = byId('rollouts', 'section');
const list = byId('rollout-list', 'ul');
/** @type {Map<string, ReturnType<typeof rolloutLine>>} */
const lines = new Map();
/** @type {(id: string, what: 'stop' | 'continue') => void} */
let decide = () => {};

/** @param {(error: unknown) => void} failed gets the error of a failed request */
export function rollouts(failed) {
  const form = byId('rollout-write', 'form');
  const attempt = withWriteToken(
    { form, input: byId('rollout-token', 'input'), refused: byId('rollout-refused', 'p') },
    failed,
  );
  decide = (id, what) =>
    attempt(async (token) => {
      showRollouts(await decideRollout(id, what, token));
    });
}

/** @param {SummaryAnswer['rollouts']} rows */
export function showRollouts(rows) {
  section.hidden = rows.length === 0;
  for (const row of rows) {
    const line = lines.get(row.id) ?? rolloutLine(row.id);
    lines.set(row.id, line);
    line.update(row);
  }
  const now = new Set(rows.map(({ id }) => id));
  for (const id of lines.keys()) if (!now.has(id)) lines.delete(id);
  arrange(
    list,
    rows.map(({ id }) => /** @type {ReturnType<typeof rolloutLine>} */ (lines.get(id)).element),
  );
}

/** The button stays the same while the text changes, so that the focus stays on it. @param {string} id */
function rolloutLine(id) {
  const text = html('div', { class: 'rollout-text' });
  const stop = html('button', { type: 'button', 'aria-label': `Stop rollout ${id}` }, 'Stop');
  const goOn = html('button', { type: 'button', 'aria-label': `Let rollout ${id} go on` }, 'Go on');
  stop.addEventListener('click', () => decide(id, 'stop'));
  goOn.addEventListener('click', () => {
    const what = `Let rollout ${id} go on? Hosts that put the change back, were lost or are provisional no longer hold it up.`;
    if (confirm(what)) decide(id, 'continue');
  });
  const buttons = html('div', { class: 'rollout-buttons' }, stop, goOn);
  const element = html('li', { 'data-rollout': id }, text, buttons);
  return {
    element,
    /** @param {RolloutRow} row */
    update(row) {
      fill(text, row, rolloutText);
      const isAtWork = row.waiting > 0 || row.admitted > row.confirmed;
      show(stop, row.stopped === null && isAtWork, goOn);
      show(goOn, row.stopped !== null || row.held, stop);
      element.dataset.level = row.stopped !== null ? 'bad' : row.held ? 'warn' : '';
    },
  };
}

/**
 * A hidden button loses the focus, so the focus goes to the other button.
 * @param {HTMLButtonElement} button @param {boolean} on @param {HTMLButtonElement} other
 */
function show(button, on, other) {
  const focused = document.activeElement === button;
  button.hidden = !on;
  if (!focused || on) return;
  other.hidden = false;
  other.focus();
}

/** @param {RolloutRow} row */
function rolloutText({ id, wave, waves, limit, known, admitted, stopped, held, ...counts }) {
  const { confirmed, provisional, putBack, lost, waiting } = counts;
  const pending = admitted - confirmed - provisional - putBack - lost;
  /** @type {[number, string, string][]} */
  const all = [
    [confirmed, 'confirmed', ''],
    [pending, 'without a result yet', ''],
    [provisional, 'provisional', 'warn'],
    [putBack, 'put back', 'bad'],
    [lost, 'lost', 'bad'],
    [waiting, 'waiting', ''],
  ];
  const upTo = limit === null ? 'all hosts' : `up to ${counted(limit, 'host')}`;
  return [
    html(
      'p',
      {},
      html('code', {}, id),
      ` wave ${wave} of ${waves}, ${upTo}: ${count(admitted)} of ${count(known)} admitted`,
    ),
    html(
      'p',
      { class: 'rollout-counts' },
      ...all.map(([many, what, level]) =>
        html('span', { class: many > 0 ? level : 'quiet' }, html('b', {}, count(many)), ` ${what}`),
      ),
    ),
    ...(stopped === null
      ? held
        ? [html('p', { class: 'warn' }, 'Provisional changes hold the next wave up.')]
        : []
      : [
          html(
            'p',
            {},
            html('b', { class: 'bad' }, 'Stopped:'),
            ` ${stopped.why} `,
            html('span', { class: 'quiet' }, 'since ', age(stopped.since)),
          ),
        ]),
  ];
}
