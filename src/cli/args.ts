import { nearest } from '../config/suggest.js'
import type { Command, Invocation } from './command.js'
import { COMMANDS } from './commands.js'
import { UsageError } from './exit.js'

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'version' }
  /** `command` undefined: of the binary as a whole. */
  | { readonly kind: 'help'; readonly command: Command | undefined }
  /** A script for a shell, which completes command lines. */
  | { readonly kind: 'completion'; readonly shell: string | undefined }
  | { readonly kind: 'command'; readonly command: Command; readonly invocation: Invocation }

const HELP_FLAGS = ['--help', '-h']
const VERSION_FLAGS = ['--version', '-v', '-V']

/**
 * Takes a command line apart.
 *
 * @param argv - without the program and the script
 * @throws {@link UsageError} an unknown command or option, a missing or superfluous argument
 */
export async function parseArguments(argv: readonly string[]): Promise<Request> {
  const [first, ...rest] = argv
  if (first === undefined || HELP_FLAGS.includes(first)) return { kind: 'help', command: undefined }
  if (VERSION_FLAGS.includes(first) || first === 'version') return { kind: 'version' }
  if (first === 'help') return { kind: 'help', command: rest[0] === undefined ? undefined : commandNamed(rest[0]) }
  if (first === 'completion' && !rest.some((argument) => HELP_FLAGS.includes(argument))) return { kind: 'completion', shell: rest[0] }
  const command = commandNamed(first)
  if (beforeDashes(rest).some((argument) => HELP_FLAGS.includes(argument))) return { kind: 'help', command }
  return { kind: 'command', command, invocation: await parseCommand(command, argv) }
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

function commandNamed(name: string): Command {
  const known = COMMANDS.find((command) => command.name === name)
  if (known !== undefined) return known
  const kind = name.startsWith('-') ? 'option' : 'command'
  const near = nearest(name, COMMANDS.map((command) => command.name))
  throw new UsageError(`unknown ${kind} '${name}'`, near === undefined ? "'sluice help' lists the commands" : `did you mean 'sluice ${near}'?`)
}

async function parseCommand(command: Command, argv: readonly string[]): Promise<Invocation> {
  const { cac } = await import('cac')
  const parser = cac('sluice')
  const parsed = parser.command(command.usage, command.summary)
  for (const [flag, meaning] of command.options) parsed.option(flag, meaning)
  parsed.action((...all: unknown[]): Invocation => ({
    values: all.slice(0, -1) as (string | undefined)[],
    options: all.at(-1) as Invocation['options'],
  }))
  try {
    parser.parse(['', '', ...argv], { run: false })
    return parser.runMatchedCommand() as Invocation
  } catch (thrown) {
    throw usageError(thrown, command)
  }
}

function usageError(thrown: unknown, command: Command): unknown {
  if (!(thrown instanceof Error) || thrown.name !== 'CACError') return thrown
  return new UsageError(thrown.message.replaceAll('`', "'"), `'sluice help ${command.name}' shows what it takes`)
}
