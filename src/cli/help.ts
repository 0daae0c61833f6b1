import type { Command } from './command.js'
import { COMMANDS } from './commands.js'
import type { Style } from './style.js'
import { table } from './table.js'

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`.trimEnd())
const pairs = (rows: readonly (readonly [string, string])[]): string[] =>
  indented(table([{ title: '' }, { title: '' }], rows).slice(1))

/** The help text of the binary. */
export function helpText(style: Style, version: string): string[] {
  return [
    `${style.bold('sluice')} ${version}: safe reads and writes over a primary database and its replicas`,
    '',
    style.bold('Usage'),
    '  sluice <command> [options]',
    '',
    style.bold('Commands'),
    ...pairs([
      ...COMMANDS.map(({ usage, summary }) => [usage, summary] as const),
      ['completion <shell>', 'Print a script that completes command lines: bash, zsh or fish'],
      ['help [command]', 'Show this text, or what a command takes'],
    ]),
    '',
    style.bold('Options'),
    ...pairs([['--version', 'Print the version'], ['--help', 'Show help']]),
    '',
    style.bold('Exit codes'),
    ...pairs([['0', 'it worked'], ['1', 'it failed'], ['2', 'the command line is wrong (migrate: also when it waited too long for the lock)'], ['129, 130, 143', 'ended by SIGHUP, Ctrl-C, SIGTERM']]),
  ]
}

/** The help text of one command. */
export function commandHelp(command: Command, style: Style): string[] {
  return [
    `${style.bold(`sluice ${command.name}`)}: ${command.summary}`,
    '',
    style.bold('Usage'),
    `  sluice ${command.usage} [options]`,
    '',
    style.bold('Options'),
    ...pairs([...command.options, ['--help', 'Show this text']]),
    '',
    style.bold('Examples'),
    ...indented(command.examples),
  ]
}
