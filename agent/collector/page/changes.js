/**
 * Changes that are provisional on some hosts, or that some hosts have not yet seen at a lease event or a boot: how many,
 * and a button that shows only these hosts.
 *
 * @import { SummaryAnswer } from '../api.ts'
 */
import { byId, fill, html } from './dom.js';
import { counted } from './format.js';

const list = byId('changes', 'ul');

/** @type {Readonly<Record<string, string>>} */
const NOT_YET = { lease: 'not yet seen at a lease event', boot: 'not yet booted with' };

/**
 * @param {Pick<SummaryAnswer, 'provisional' | 'unseen'>} summary
 * @param {string} chosen the change whose hosts are shown; '' for all hosts
 * @param {(change: string) => void} choose
 */
export function showChanges({ provisional, unseen }, chosen, choose) {
  list.hidden = provisional.length + unseen.length === 0;
  fill(list, { provisional, unseen }, (all) => [
    ...all.provisional.map(({ change, hosts }) => item(change, `${counted(hosts, 'host')} provisional`, ' on change ')),
    ...all.unseen.map(({ change, hosts }) =>
      item(change, counted(hosts, 'host'), ' not yet through a lease event and a boot with change '),
    ),
  ]);
  pressChange(chosen);

  /**
   * @param {string} change
   * @param {string} label the text of the button
   * @param {string} text between the button and the change
   */
  function item(change, label, text) {
    const button = html('button', { type: 'button', 'data-change': change }, label);
    button.addEventListener('click', () => choose(button.getAttribute('aria-pressed') === 'true' ? '' : change));
    return html('li', {}, button, text, html('code', {}, change));
  }
}

/**
 * "holds now; not yet booted with".
 *
 * @param {readonly string[]} moments
 */
export function standingWords(moments) {
  return ['holds now', ...moments.map((moment) => NOT_YET[moment] ?? moment)].join('; ');
}

/** @param {string} chosen */
export function pressChange(chosen) {
  for (const button of list.querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(button.dataset.change === chosen));
}
