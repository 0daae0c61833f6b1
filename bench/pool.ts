/**
 * An exclusive loan and its return, against `pg.Pool.connect()` and `release()`. No statement is sent: this is the
 * pool's own cost. Both limit a wait to 5 s.
 *
 * Run: `npm run bench -- pool`.
 * What a reader must not conclude: that queries get faster by these factors; a round trip costs a hundred times as much.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { resolveOptions } from '../src/config/resolve.js'
import { UNLIMITED } from '../src/core/deadline.js'
import { errorFromFacts } from '../src/core/explain.js'
import { Notifier } from '../src/core/notify.js'
import { connectSettings } from '../src/database/connect-settings.js'
import { postgres } from '../src/drivers/postgres/index.js'
import { Pool } from '../src/pool/pool.js'

const MAX = 10
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9)
const LOANS = Number(process.env['BENCH_CALLS'] ?? 20_000)

interface Contender {
  readonly name: string
  /** One loan and its return, for each of `callers` at once, `LOANS` in all. */
  run(callers: number): Promise<void>
  end(): Promise<void>
}

interface Row {
  readonly contender: string
  readonly callers: number
  readonly medianUs: number
  readonly lowestUs: number
  readonly highestUs: number
}

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const contenders = [await ours(url), await theirs(url)]
  const rows: Row[] = []
  for (const callers of [1, 10, 64]) rows.push(...await compare(contenders, callers))
  for (const contender of contenders) await contender.end()
  print(rows)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/pool.json', `${JSON.stringify({ node: process.version, max: MAX, rounds: ROUNDS, loans: LOANS, rows }, undefined, 2)}\n`)
}

/** Rounds interleaved A B A B, so that both meet the same disturbances. */
async function compare(contenders: readonly Contender[], callers: number): Promise<Row[]> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const contender of contenders) {
      const startedAt = performance.now()
      await contender.run(callers)
      if (round >= 0) times.get(contender.name)?.push((performance.now() - startedAt) * 1_000 / LOANS)
    }
  }
  return Array.from(times, ([contender, values]) => {
    const sorted = [...values].sort((a, b) => a - b)
    const at = (index: number): number => Number((sorted[index] ?? NaN).toFixed(3))
    return { contender, callers, medianUs: at(ROUNDS >> 1), lowestUs: at(0), highestUs: at(ROUNDS - 1) }
  })
}

async function inParallel(callers: number, loan: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: callers }, async () => {
    for (let done = 0; done < LOANS / callers; done++) await loan()
  }))
}

async function ours(url: string): Promise<Contender> {
  const options = resolveOptions({ primary: url, pool: { max: MAX, min: MAX } }, [
    { scheme: 'postgres', defaultPort: 5432, embedded: false }, { scheme: 'postgresql', defaultPort: 5432, embedded: false },
  ])
  const pool = new Pool(options.pool, {
    name: options.primary.name,
    connect: (signal) => postgres.connect(connectSettings(options.primary, 'primary', options), signal),
    explain: (cause, context) => errorFromFacts(postgres.dialect.describeError(cause), cause, context),
    notifier: new Notifier([]),
  })
  await pool.open()
  const request = { limits: UNLIMITED, label: undefined, text: undefined, owner: undefined }
  return {
    name: 'sluice',
    run: (callers) => inParallel(callers, async () => { (await pool.acquire(request)).release() }),
    end: () => pool.close({ drainMs: 1_000 }),
  }
}

async function theirs(url: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url, max: MAX, idleTimeoutMillis: 0, connectionTimeoutMillis: 5_000 })
  const clients = await Promise.all(Array.from({ length: MAX }, () => pool.connect()))
  for (const client of clients) client.release()
  return {
    name: 'pg.Pool',
    run: (callers) => inParallel(callers, async () => { (await pool.connect()).release() }),
    end: () => pool.end(),
  }
}

function print(rows: readonly Row[]): void {
  for (const { contender, callers, medianUs, lowestUs, highestUs } of rows) {
    const ratio = medianUs / (rows.find((row) => row.callers === callers && row.contender === 'pg.Pool')?.medianUs ?? NaN)
    console.log(`${contender.padEnd(8)} ${String(callers).padStart(3)} callers  ${medianUs.toFixed(2)} us per loan (${lowestUs.toFixed(2)} to ${highestUs.toFixed(2)})  ${ratio.toFixed(2)}x pg.Pool`)
  }
}

await main()
