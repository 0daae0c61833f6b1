import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

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
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) install(debianPackage)
  const now = found()
  if (!now) throw new Error(`these tests need ${debianPackage}: install it (apt-get install ${debianPackage}), or name the program in ${variable}`)
  return now
}

function install(debianPackage: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]): void => { execFileSync('apt-get', args, { env, stdio: 'ignore', timeout: 240_000 }) }
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', debianPackage)
}
