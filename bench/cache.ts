/**
 * The query cache: hits per second, and what a miss costs beside the query itself.
 *
 * Run: `npm run bench -- cache`. What a reader must not conclude: that rows are free; a hit copies them, and these are small.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { QueryCache, type Ask } from '../src/cache/query-cache.js'
import { UNLIMITED } from '../src/core/deadline.js'
import type { QueryResult } from '../src/core/result.js'
import { Database } from '../src/index.js'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
const CALLS = Number(process.env['BENCH_CALLS'] ?? 200_000)
const TEXT = 'select 1 as id, $1::text as v'

const RESULT: QueryResult<unknown> = {
  rows: [{ id: 1, v: 'some text' }], rowCount: 1, fields: [], command: 'SELECT', node: 'db1', route: 'read', durationMs: 0, cached: false,
}

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const db = await Database.open({ primary: url, cache: { ttlMs: 600_000 } })
  const options = { cache: true }
  await db.query(TEXT, ['x'], options)
  const cache = new QueryCache({ max: 1_000, maxBytes: undefined, whileDisconnected: 'bypass' })
  const load = (): Promise<{ result: QueryResult<unknown>; upToDate: boolean }> => Promise.resolve({ result: RESULT, upToDate: true })
  const samples: Record<string, number[]> = { 'db.query, a hit': [], 'the cache alone, a hit': [], 'the cache alone, a miss': [], 'the load alone': [] }
  for (let round = -1; round < ROUNDS; round++) {
    const measured = [
      await nsPerCall(() => db.query(TEXT, ['x'], options)),
      await nsPerCall(() => cache.fetch(ask(cache, 'x'), load)),
      await nsPerCall((at) => cache.fetch(ask(cache, at + round * CALLS), load)),
      await nsPerCall(load),
    ]
    if (round >= 0) Object.values(samples).forEach((values, index) => { values.push(measured[index] ?? NaN) })
  }
  await db.close()
  const rows = Object.entries(samples).map(([what, values]) => ({ what, ns: Math.round(median(values)), perSecond: Math.round(1e9 / median(values)) }))
  console.table(rows)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/cache.json', `${JSON.stringify({ node: process.version, rounds: ROUNDS, calls: CALLS, rows }, undefined, 2)}\n`)
}

function ask(cache: QueryCache, value: unknown): Ask {
  return {
    key: cache.keyOf(TEXT, [value], '', undefined) ?? '', tables: ['t'], named: {}, ttlMs: 600_000, swrMs: 0, startedAt: performance.now(),
    limits: UNLIMITED, limitError: () => new Error('no limits here'),
  }
}

async function nsPerCall(call: (at: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  for (let at = 0; at < CALLS; at++) await call(at)
  return (performance.now() - startedAt) * 1e6 / CALLS
}

function median(values: readonly number[]): number { return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN }

await main()
