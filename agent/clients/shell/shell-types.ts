/** A shell script as its reader (shell.ts) sees it. */

/** A condition: the list of commands that must succeed (`holds`) or fail, or the branch of a `case`. */
export type ShellGuard =
  | { readonly list: readonly ShellCommand[]; readonly holds: boolean }
  /** `earlier`: the patterns of the branches before this one. All words are as written. */
  | { readonly subject: string; readonly patterns: readonly string[]; readonly earlier: readonly string[] };

export interface ShellCommand {
  /** From 1. */
  readonly line: number;
  /** The words as written, quotes included; empty if a group or loop is only redirected. */
  readonly words: readonly string[];
  /** The files that the command is redirected into, as written. */
  readonly writes: readonly string[];
  /** The `NAME=value` words before the command, as written. */
  readonly sets: readonly string[];
  /** Inside a function: the command counts only if the function is called. */
  readonly inFunction: boolean;
  /** The innermost surrounding function, as an index of ShellScript.functions; null outside of functions. */
  readonly function: number | null;
  /** Inside ( … ), $( … ) or `…`: variables that it sets, and its `exit`, end there. */
  readonly inSubshell: boolean;
  /** Part of a pipeline, whose parts run in subshells. */
  readonly inPipeline: boolean;
  /** A `!` stands before the command. */
  readonly negated: boolean;
  /** The operator between this command and the one before it in the same list; null if the list begins here. */
  readonly joined: '&&' | '||' | null;
  /**
   * The conditions that hold when the command runs. Each condition is the only command of a surrounding `if`, with this
   * command in its `then` part.
   */
  readonly under: readonly ShellCommand[];
  /** All conditions within the innermost function that must hold for the command to run. */
  readonly guards: readonly ShellGuard[];
  /** The command, or the group that it ends, is followed by `&` and runs on beside the script. */
  readonly inBackground?: true;
}

export interface ShellFunction {
  readonly name: string;
  /** Line of the definition, from 1. */
  readonly line: number;
  /** How many commands of the script stand before the definition. */
  readonly at: number;
  /** The function that surrounds the definition; null if none does. */
  readonly function: number | null;
  readonly inSubshell: boolean;
  readonly guards: readonly ShellGuard[];
}

export interface ShellScript {
  /** In the order of the text; those of a substitution stand before the command that holds the substitution. */
  readonly commands: readonly ShellCommand[];
  readonly functions: readonly ShellFunction[];
}
