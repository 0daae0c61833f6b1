import { makeOutput, type Output } from '../../../src/cli/output.js'
import { run } from '../../../src/cli/run.js'

/** What a command line wrote, and how it ended. */
export interface Captured {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** An output into texts. */
export function captured(env: Readonly<Record<string, string>> = {}, isTTY = false): { output: Output, out: () => string, err: () => string } {
  let [out, err] = ['', '']
  const output = makeOutput({ isTTY, columns: 80, write: (text) => { out += text } }, { isTTY, write: (text) => { err += text } }, env)
  return { output, out: () => out, err: () => err }
}

/** Runs a command line inside this process. */
export async function capture(argv: readonly string[], env: Readonly<Record<string, string>> = {}, isTTY = false): Promise<Captured> {
  const { output, out, err } = captured(env, isTTY)
  const exitCode = await run(argv, output)
  return { exitCode, out: out(), err: err() }
}
