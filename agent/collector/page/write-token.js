/** Does what needs a token that may write. Asks for the token when the collector refuses, and then does it again. */
import { ApiError } from './api.js';

/**
 * @param {{ form: HTMLFormElement, input: HTMLInputElement, refused: HTMLElement }} parts the form for the token, and
 * the line that says what the collector refused
 * @param {(error: unknown) => void} failed gets every error that is no answer of the collector
 * @returns {(work: (token: string | null) => Promise<void>) => Promise<void>} `work` gets the token; null for the page's own
 */
export function withWriteToken({ form, input, refused }, failed) {
  /** @type {((token: string | null) => Promise<void>) | null} */
  let waiting = null;

  /** @param {(token: string | null) => Promise<void>} work */
  async function attempt(work) {
    refused.hidden = true;
    try {
      await work(sessionStorage.getItem('write-token'));
    } catch (error) {
      if (!(error instanceof ApiError)) return failed(error);
      const mayAsk = error.status === 401 || (error.status === 403 && error.message.includes('a token that may write'));
      if (mayAsk) {
        waiting = work;
        form.hidden = false;
        input.focus();
      }
      refused.textContent = error.message;
      refused.hidden = mayAsk && sessionStorage.getItem('write-token') === null;
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem('write-token', input.value);
    form.hidden = true;
    if (waiting !== null) attempt(waiting);
  });
  return attempt;
}
