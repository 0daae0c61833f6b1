import type { Output } from './output.js'

/** A command line, taken apart. */
export interface Invocation {
  /** Positional arguments; a missing optional one is undefined. */
  readonly values: readonly (string | undefined)[]
  /** Options by their names in camelCase, as they came. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Runs a command; resolves with the exit code. */
export type Run = (invocation: Invocation, output: Output) => Promise<number>

/** What the binary offers under one name. */
export interface Command {
  readonly name: string
  /** With its arguments: `config [file]`. */
  readonly usage: string
  readonly summary: string
  /** Flag and meaning. */
  readonly options: readonly (readonly [flag: string, meaning: string])[]
  readonly examples: readonly string[]
  /** Loads the command; only what is run is loaded. */
  readonly load: () => Promise<Run>
}
