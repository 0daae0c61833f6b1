import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

const STDOUT = 1

/**
 * Ends the run's output with one line, `N passed, N failed, N skipped`. It is printed when the process exits, so that
 * nothing (coverage tables, late warnings) comes after it. A file that cannot be loaded and an error outside of any
 * test count as failed: `0 failed` means a green run.
 */
export class CountReporter implements Reporter {
  #line: string | undefined

  onInit(): void {
    process.once('exit', () => {
      if (this.#line !== undefined) writeSync(STDOUT, `${this.#line}\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        counts[state] += 1
        if (state === 'failed') failedTests += 1
      }
      if (!module.ok() && failedTests === 0) counts.failed += 1
    }
    this.#line = `${counts.passed} passed, ${counts.failed + counts.pending} failed, ${counts.skipped} skipped`
  }
}
