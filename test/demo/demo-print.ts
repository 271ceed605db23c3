/** How `npm start` prints: titles, sentences, and indented what a program or a file says. */
import { styleText } from 'node:util';

export function title(text: string): void {
  console.log(`\n${colour('bold', text)}`);
}

export function say(text: string): void {
  console.log(text);
}

/** What a program or a file says. */
export function show(text: string): void {
  console.log(text.trimEnd().replace(/^/gm, '  '));
}

export function colour(format: 'bold' | 'green' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout });
}
