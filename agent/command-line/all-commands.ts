import type { Command } from 'commander';
import { addConfigurationCommands } from './configuration-commands.ts';
import { addFleetCommands } from './fleet-commands.ts';
import { addHoldCommands } from './hold-commands.ts';
import { addLookCommands } from './look-commands.ts';

/** Adds them in the order in which help shows them. */
export function addAllCommands(program: Command): void {
  addHoldCommands(program);
  addLookCommands(program);
  addFleetCommands(program);
  addConfigurationCommands(program);
}
