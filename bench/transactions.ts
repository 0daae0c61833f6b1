/**
 * A transaction of two statements over a network with 1 ms each way: by hand on one `pg.Client`, by `db.transaction`, and as
 * one `db.batch`. Time per transaction, one caller.
 *
 * Run: `npm run bench -- transactions`. Contenders run in interleaved rounds through the same proxy; ratios are of medians.
 * What a reader must not conclude: that the server does less; this is about round trips. `db.transaction` also learns
 * the identifier with which a lost answer to COMMIT is resolved, which the one by hand cannot do.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { Database } from '../src/index.js'
import { flakyProxy } from '../src/testing/index.js'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
const TRANSACTIONS = Number(process.env['BENCH_TRANSACTIONS'] ?? 100)
const DELAY_MS = 1
const UPDATE = 'update sluice_bench_accounts set balance = balance + $1 where id = $2'

interface Contender {
  readonly name: string
  run(): Promise<unknown>
}

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  await using proxy = await flakyProxy({ target: url })
  const client = new pg.Client({ connectionString: proxy.url })
  await client.connect()
  await client.query('create table if not exists sluice_bench_accounts (id int primary key, balance int)')
  await client.query('insert into sluice_bench_accounts values (1, 0), (2, 0) on conflict do nothing')
  await using db = await Database.open({ primary: proxy.url, pool: { max: 1, min: 1 } })
  proxy.delay(DELAY_MS)
  const rows = await compare([byHand(client), transaction(db), batch(db)])
  proxy.delay(0)
  await client.query('drop table sluice_bench_accounts')
  await client.end()
  console.table(rows)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/transactions.json', `${JSON.stringify({ node: process.version, delayMs: DELAY_MS, rounds: ROUNDS, rows }, undefined, 2)}\n`)
}

function byHand(client: pg.Client): Contender {
  return {
    name: 'pg, by hand',
    async run() {
      await client.query('begin')
      await client.query(UPDATE, [1, 1])
      await client.query(UPDATE, [-1, 2])
      await client.query('commit')
    },
  }
}

function transaction(db: Database): Contender {
  return {
    name: 'db.transaction',
    run: () => db.transaction(async (tx) => {
      await tx.execute(UPDATE, [1, 1])
      await tx.execute(UPDATE, [-1, 2])
    }),
  }
}

function batch(db: Database): Contender {
  return { name: 'db.batch', run: () => db.batch([[UPDATE, [1, 1]], [UPDATE, [-1, 2]]]) }
}

async function compare(contenders: readonly Contender[]): Promise<object[]> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const contender of contenders) {
      const startedAt = performance.now()
      for (let done = 0; done < TRANSACTIONS; done++) await contender.run()
      if (round >= 0) times.get(contender.name)?.push((performance.now() - startedAt) / TRANSACTIONS)
    }
  }
  const medians = Array.from(times, ([contender, values]) => {
    const sorted = [...values].sort((a, b) => a - b)
    return { contender, ms: sorted[sorted.length >> 1] ?? NaN, range: `${(sorted[0] ?? NaN).toFixed(2)} to ${(sorted.at(-1) ?? NaN).toFixed(2)}` }
  })
  return medians.map(({ contender, ms, range }) => ({ contender, ms: Number(ms.toFixed(2)), ratio: Number((ms / (medians[0]?.ms ?? NaN)).toFixed(2)), range }))
}

await main()
