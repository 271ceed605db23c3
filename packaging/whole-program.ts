/** The program with all its commands. The manual page and the completions are made from this. */
import { program } from '../agent/cli.ts';
import { addAllCommands } from '../agent/command-line/all-commands.ts';

addAllCommands(program);

export { program };
