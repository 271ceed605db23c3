/**
 * Changes that are provisional on some hosts: how many, and a button that shows only these hosts.
 *
 * @import { SummaryAnswer } from '../api.ts'
 */
import { byId, fill, html } from './dom.js';
import { counted } from './format.js';

const list = byId('changes', 'ul');

/**
 * @param {SummaryAnswer['provisional']} provisional
 * @param {string} chosen the change whose hosts are shown; '' for all hosts
 * @param {(change: string) => void} choose
 */
export function showChanges(provisional, chosen, choose) {
  list.hidden = provisional.length === 0;
  fill(list, provisional, (all) =>
    all.map(({ change, hosts }) => {
      const button = html('button', { type: 'button', 'data-change': change }, `${counted(hosts, 'host')} provisional`);
      button.addEventListener('click', () => choose(button.getAttribute('aria-pressed') === 'true' ? '' : change));
      return html('li', {}, button, ' on change ', html('code', {}, change));
    }),
  );
  pressChange(chosen);
}

/** @param {string} chosen */
export function pressChange(chosen) {
  for (const button of list.querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(button.dataset.change === chosen));
}
