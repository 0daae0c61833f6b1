import { nearest } from '../config/suggest.js'
import { COMMANDS, type Command, type Invocation } from './commands.js'
import { UsageError } from './exit.js'

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'version' }
  /** `command` undefined: of the binary as a whole. */
  | { readonly kind: 'help'; readonly command: Command | undefined }
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

/**
 * An option that is a whole number.
 *
 * @throws {@link UsageError} it is none, or out of range
 */
export function wholeOption({ options }: Invocation, name: string, limits: { readonly min: number; readonly max: number; readonly otherwise: number }): number {
  const value = options[name]
  if (value === undefined) return limits.otherwise
  if (typeof value === 'number' && Number.isInteger(value) && value >= limits.min && value <= limits.max) return value
  throw new UsageError(`--${name}: expected a whole number from ${String(limits.min)} to ${String(limits.max)}, got ${JSON.stringify(value)}`)
}

/**
 * An option that is a text.
 *
 * @throws {@link UsageError} it was given twice
 */
export function textOption<Otherwise extends string | undefined>({ options }: Invocation, name: string, otherwise: Otherwise): string | Otherwise {
  const value = options[name]
  if (value === undefined) return otherwise
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new UsageError(`--${name}: expected one text, got ${JSON.stringify(value)}`)
}

/** An option without a value: given or not. */
export function flagOption({ options }: Invocation, name: string): boolean {
  return options[name] === true
}
