import { UNLIMITED, type Limits } from '../../../src/core/deadline.js'
import type { QueryResult } from '../../../src/core/result.js'
import type { Ask, Load } from '../../../src/cache/query-cache.js'

/** A result with these rows, as the database would give it. */
export function resultOf(rows: unknown[], node = 'primary'): QueryResult<unknown> {
  return { rows, rowCount: rows.length, fields: [{ name: 'v', dataType: 25 }], command: 'SELECT', node, route: 'read', durationMs: 1, cached: false }
}

/** A call of the cache. */
export function ask(key: string, options: Partial<Ask> = {}): Ask {
  return {
    key, tables: ['t'], named: {}, ttlMs: 1_000, swrMs: 0, startedAt: performance.now(), limits: UNLIMITED,
    limitError: (reason) => new Error(reason), ...options,
  }
}

/** A load under the test's control. */
export class Gate {
  readonly signals: AbortSignal[] = []
  readonly changedAt: number[] = []
  readonly #waiting: { resolve(result: QueryResult<unknown>): void; reject(error: Error): void }[] = []

  get started(): number { return this.signals.length }

  readonly load: Load = (signal, changedAt) => {
    this.signals.push(signal)
    this.changedAt.push(changedAt)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: (result) => { resolve({ result, upToDate: true }) }, reject })
    })
  }

  /** Ends the oldest load under way. */
  answer(...rows: unknown[]): void { this.#waiting.shift()?.resolve(resultOf(rows)) }

  fail(error: Error): void { this.#waiting.shift()?.reject(error) }
}

/** Answers at once, with what `read` gives. */
export function loadOf(read: () => unknown[], upToDate = true): Load {
  return () => Promise.resolve({ result: resultOf(read()), upToDate })
}

export function limits(signal: AbortSignal): Limits { return { expiresAt: Infinity, signal } }
