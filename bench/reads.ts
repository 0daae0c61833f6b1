/**
 * Point reads by primary key, against `pg.Pool`: throughput and the client's CPU per query.
 *
 * Run: `npm run bench -- reads`. Contenders run in interleaved rounds with pools of the same size; ratios are of medians.
 * What a reader must not conclude: that slow queries get faster; this is about what the way to the server and back costs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { Database } from '../src/index.js'

const MAX = 10
const ROWS = 10_000
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
const READS = Number(process.env['BENCH_READS'] ?? 20_000)
const TEXT = 'select id, v from sluice_bench_reads where id = $1'

interface Contender {
  readonly name: string
  read(id: number): Promise<unknown>
  end(): Promise<void>
}

interface Sample { readonly perSecond: number; readonly cpuUs: number }

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query('create table if not exists sluice_bench_reads (id int primary key, v text)')
  await admin.query(`insert into sluice_bench_reads select g, 'v' || g from generate_series(1, ${String(ROWS)}) g on conflict do nothing`)
  await admin.query('analyze sluice_bench_reads')
  const contenders = [pool(url, undefined), pool(url, 'bench'), await sluice(url, 0), await sluice(url, 1), await sluice(url, 2)]
  const rows = []
  for (const callers of [1, 64, 256]) rows.push(...await compare(contenders, callers))
  for (const contender of contenders) await contender.end()
  await admin.query('drop table sluice_bench_reads')
  await admin.end()
  console.table(rows)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/reads.json', `${JSON.stringify({ node: process.version, max: MAX, rounds: ROUNDS, reads: READS, rows }, undefined, 2)}\n`)
}

function pool(url: string, name: string | undefined): Contender {
  const made = new pg.Pool({ connectionString: url, max: MAX })
  return {
    name: name === undefined ? 'pg.Pool, text and parameters' : 'pg.Pool, named',
    read: (id) => made.query(name === undefined ? { text: TEXT, values: [id] } : { name, text: TEXT, values: [id] }),
    end: () => made.end(),
  }
}

async function sluice(url: string, lanes: number): Promise<Contender> {
  const db = await Database.open({ primary: url, pool: { max: MAX, lanes } })
  return { name: `sluice, lanes: ${String(lanes)}`, read: (id) => db.query(TEXT, [id]), end: () => db.close() }
}

async function compare(contenders: readonly Contender[], callers: number): Promise<object[]> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const contender of contenders) {
      const sample = await measure(contender, callers, callers === 1 ? READS / 10 : READS)
      if (round >= 0) samples.get(contender.name)?.push(sample)
    }
  }
  const medians = Array.from(samples, ([contender, values]) => ({ contender, perSecond: median(values, 'perSecond'), cpuUs: median(values, 'cpuUs'), spread: spread(values) }))
  const first = medians[0]
  return medians.map(({ contender, perSecond, cpuUs, spread: range }) => ({
    callers, contender, perSecond: Math.round(perSecond), ratio: (perSecond / (first?.perSecond ?? NaN)).toFixed(2),
    cpuUs: cpuUs.toFixed(1), cpuRatio: (cpuUs / (first?.cpuUs ?? NaN)).toFixed(2), range,
  }))
}

async function measure(contender: Contender, callers: number, reads: number): Promise<Sample> {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  let next = 0
  await Promise.all(Array.from({ length: callers }, async () => {
    while (next < reads) await contender.read(1 + next++ % ROWS)
  }))
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: reads / (performance.now() - startedAt) * 1_000, cpuUs: (user + system) / reads }
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

function spread(samples: readonly Sample[]): string {
  const sorted = samples.map(({ perSecond }) => Math.round(perSecond)).sort((a, b) => a - b)
  return `${String(sorted[0])} to ${String(sorted.at(-1))}`
}

await main()
