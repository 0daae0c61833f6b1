import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { APT_GET, aptEnvironment, aptInstall } from '../../src/testing/apt.js'

/** Where to find a program that tests need. */
export interface WantedProgram {
  /** Its usual places. */
  readonly paths: readonly string[]
  /** Environment variable that names another. */
  readonly variable: string
  /** Debian's package of it. */
  readonly debianPackage: string
}

/** A program of this machine; installed from the system's packages when root. */
export function programOf({ paths, variable, debianPackage }: WantedProgram): string {
  const named = process.env[variable]
  if (named) return named
  const found = (): string | undefined => paths.find((path) => existsSync(path))
  const present = found()
  if (present) return present
  if (process.getuid?.() === 0 && existsSync(APT_GET)) install(debianPackage)
  const now = found()
  if (!now) throw new Error(`these tests need ${debianPackage}: install it (apt-get install ${debianPackage}), or name the program in ${variable}`)
  return now
}

function install(debianPackage: string): void {
  const { file, args } = aptInstall(debianPackage)
  execFileSync(file, args, { env: { ...process.env, ...aptEnvironment() }, stdio: 'ignore', timeout: 600_000 })
}
