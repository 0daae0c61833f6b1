import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs a program of the machine; what it wrote to stdout. */
export async function program(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  return (await run(file, [...args], { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', ...env }, maxBuffer: 64 * 1024 * 1024 })).stdout
}

/** Runs a shell command line. */
export function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  return program('/bin/sh', ['-c', line], env)
}
