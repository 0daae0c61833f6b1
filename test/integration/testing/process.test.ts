import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const script = new URL('../../support/wait-for-exit.js', import.meta.url).pathname

// Node ends with exit code 13 when a top-level await can never settle any more.
test('a process that only waits for its server to end stays alive to hear of it', () => {
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toBe('undefined, then exit code 0\n')
})
