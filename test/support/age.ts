import { programOf } from './program.js'

const AGE = { paths: ['/usr/bin/age', '/usr/local/bin/age', '/opt/homebrew/bin/age'], variable: 'SLUICE_TEST_AGE', debianPackage: 'age' }
const KEYGEN = { paths: ['/usr/bin/age-keygen', '/usr/local/bin/age-keygen', '/opt/homebrew/bin/age-keygen'], variable: 'SLUICE_TEST_AGE_KEYGEN', debianPackage: 'age' }

/** The programs of age, which encrypts files: what it makes of ours is what counts. */
export const age = (): string => programOf(AGE)
export const ageKeygen = (): string => programOf(KEYGEN)
