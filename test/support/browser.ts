import { programOf } from './program.js'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']

/** A Chromium of this machine. */
export function browserProgram(): string {
  return programOf({ paths: PATHS, variable: 'SLUICE_TEST_BROWSER', debianPackage: 'chromium' })
}
