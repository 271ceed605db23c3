/** The commands that operators see. A hidden command is one that the program starts itself. */
import type { Command } from 'commander';

/** Without the implicit `help`. */
export function visibleCommands(program: Command): readonly Command[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .filter((one) => program.commands.includes(one));
}
