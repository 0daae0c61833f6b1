/**
 * What observation costs: the quickest reads there are (by primary key, shared lanes, 64 callers), with nothing watching,
 * with metrics and statement statistics, and with a logger at info as well. On a machine that is busy otherwise the ratios are noise;
 * the second table, of what the observers alone take for a statement, is not.
 *
 * Run: `npm run bench -- observing`. Contenders run in interleaved rounds; ratios are of medians. What a reader must not
 * conclude: that logging every statement at debug is free; that is another row's work.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import { Notifier } from '../src/core/notify.js'
import type { Observer } from '../src/core/observer.js'
import { postgresLexicon } from '../src/drivers/postgres/lexicon.js'
import { Database, type DatabaseOptions } from '../src/index.js'
import { logObserver } from '../src/logging/log-observer.js'
import { Recorder } from '../src/metrics/recorder.js'
import { StatementStatistics } from '../src/metrics/statements.js'
import { Shapes } from '../src/sql/shapes.js'

const CALLERS = 64
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9)
const READS = Number(process.env['BENCH_READS'] ?? 20_000)
const TEXT = 'select id, v from sluice_bench_observing where id = $1'
const SINK = { write: () => undefined }

const CONTENDERS: Readonly<Record<string, DatabaseOptions>> = {
  'nothing watches': { metrics: false },
  'metrics, no statements': { metrics: { collectQueryStats: false } },
  'metrics and statement statistics': { metrics: true },
  'and a logger at info': { metrics: true, logger: pino({ level: 'info' }, SINK) },
  'and a logger at debug': { metrics: true, logger: pino({ level: 'debug' }, SINK) },
}

interface Sample { readonly perSecond: number; readonly cpuUs: number }

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const admin = await Database.open(url)
  await admin.execute('create table if not exists sluice_bench_observing (id int primary key, v text)')
  await admin.execute("insert into sluice_bench_observing select g, 'v' || g from generate_series(1, 1000) g on conflict do nothing")
  const opened = await Promise.all(Object.entries(CONTENDERS).map(async ([what, options]) => ({ what, db: await Database.open({ primary: url, ...options }) })))
  const samples = new Map(opened.map(({ what }) => [what, [] as Sample[]]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const { what, db } of opened) {
      const sample = await measure(db)
      if (round >= 0) samples.get(what)?.push(sample)
    }
  }
  for (const { db } of opened) await db.close()
  await admin.execute('drop table sluice_bench_observing')
  await admin.close()
  const medians = Array.from(samples, ([what, values]) => ({ what, perSecond: median(values, 'perSecond'), cpuUs: median(values, 'cpuUs') }))
  const base = medians[0]
  const rows = medians.map(({ what, perSecond, cpuUs }) => ({
    what, perSecond: Math.round(perSecond), ratio: (perSecond / (base?.perSecond ?? NaN)).toFixed(3), cpuUs: cpuUs.toFixed(2),
    cpuRatio: (cpuUs / (base?.cpuUs ?? NaN)).toFixed(3),
  }))
  console.table(rows)
  const alone = observersAlone()
  console.table(alone)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/observing.json', `${JSON.stringify({ node: process.version, rounds: ROUNDS, reads: READS, rows, alone }, undefined, 2)}\n`)
}

async function measure(db: Database): Promise<Sample> {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  let next = 0
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (next < READS) await db.query(TEXT, [1 + next++ % 1_000])
  }))
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: READS / (performance.now() - startedAt) * 1_000, cpuUs: (user + system) / READS }
}

/** Nanoseconds of CPU that telling of one statement takes. */
function observersAlone(): object[] {
  const shapes = new Shapes(postgresLexicon)
  const log = logObserver(pino({ level: 'info' }, SINK), { queryLogLevel: 'debug', slowQueryMs: 1_000 }, shapes)
  const sets: Readonly<Record<string, readonly Observer[]>> = {
    'an empty observer': [{ query: () => undefined }], 'metrics': [new Recorder(true)], 'statement statistics': [new StatementStatistics(shapes)],
    'a logger at info': [log], 'all three': [new Recorder(true), new StatementStatistics(shapes), log],
  }
  const samples = new Map(Object.keys(sets).map((what) => [what, [] as Sample[]]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [what, observers] of Object.entries(sets)) {
      const cpuUs = tell(new Notifier(observers))
      if (round >= 0) samples.get(what)?.push({ perSecond: 1e6 / cpuUs, cpuUs })
    }
  }
  return Array.from(samples, ([what, values]) => ({ what, ns: Math.round(median(values, 'cpuUs') * 1_000) }))
}

function tell(notifier: Notifier): number {
  const cpu = process.cpuUsage()
  for (let at = 0; at < READS * 10; at++) {
    notifier.notify('query', {
      text: TEXT, name: undefined, label: undefined, node: 'db1:5432', role: 'primary', route: 'read', command: 'SELECT', rowCount: 1,
      durationMs: 0.1 + at % 100 / 50, attempt: 1, error: undefined,
    })
  }
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / (READS * 10)
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

await main()
