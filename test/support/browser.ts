import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']

/** A Chromium of this machine; `SLUICE_TEST_BROWSER` names another; installed from the system's packages when root. */
export async function browserProgram(): Promise<string> {
  const named = process.env['SLUICE_TEST_BROWSER']
  if (named) return named
  const found = PROGRAMS.find((program) => existsSync(program))
  if (found) return found
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('these tests need Chromium: install it (apt-get install chromium), or name one in SLUICE_TEST_BROWSER')
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]): void => { execFileSync('apt-get', args, { env, stdio: 'ignore', timeout: 240_000 }) }
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  return PROGRAMS[0] ?? ''
}
