/**
 * What a failover costs, and whether reads see what was written, on a real primary with two replicas of its own.
 *
 * 1. Failover: the primary gets `kill -9` under some 200 writes per second and a replica is promoted at once, several times. Printed is
 *    the time from the new primary taking writes to the next acknowledged write, and what was lost, doubled or failed. Commits
 *    wait for one replica, so that the engine itself loses nothing.
 * 2. Read your writes, on PostgreSQL, MySQL and MariaDB: pairs of a write and a read of it while one replica does not replay, in a
 *    session, and by a token that another process is handed. Printed is how many reads were stale, and where the reads went.
 *
 * Run: `npm run bench -- failover`. What a reader must not conclude: how long an outage lasts. Who detects the death and promotes (Patroni,
 * an operator) takes seconds; this measures only what the library adds.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { Database } from '../src/index.js'
import { startCluster, type Cluster } from '../src/testing/index.js'
import { optionsFor } from './failover/options.js'
import { readYourWrites, type Pairs } from './failover/read-your-writes.js'

const SMOKE = process.env['BENCH_ROUNDS'] !== undefined
const RUNS = SMOKE ? 1 : 10
const PAIRS = SMOKE ? 20 : 10_000
const ENGINES = ['postgres', 'mysql', 'mariadb'] as const
const WRITERS = 10
const PAUSE_MS = 50
const AROUND = SMOKE ? 20 : 200

const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

async function until(done: () => boolean): Promise<void> {
  while (!done()) await sleep(1)
}

async function onEach(cluster: Cluster, ...texts: readonly string[]): Promise<void> {
  for (const { superuserUrl } of cluster.nodes) {
    const client = new pg.Client(superuserUrl)
    await client.connect()
    for (const text of texts) await client.query(text)
    await client.end()
  }
}

/** What one run showed. */
interface FailoverRun {
  readonly gapMs: number
  readonly acknowledged: number
  readonly lost: number
  readonly doubled: number
  readonly failedWrites: number
  readonly failedReads: number
}

async function failoverOnce(): Promise<FailoverRun> {
  await using cluster = await startCluster({ engine: 'postgres', replicas: 2 })
  await using db = await Database.open(optionsFor(cluster))
  await db.execute('create table entry (id int not null)')
  await onEach(cluster, "alter system set synchronous_standby_names = 'ANY 1 (*)'", 'select pg_reload_conf()')
  const acknowledged = new Map<number, number>()
  const failed = { writes: 0, reads: 0 }
  let [id, stopped] = [0, false]
  const loop = async (step: () => Promise<void>): Promise<void> => {
    while (!stopped) {
      await step()
      await sleep(PAUSE_MS)
    }
  }
  const write = async (): Promise<void> => {
    const own = id++
    await db.execute('insert into entry values ($1)', [own], { idempotencyKey: `entry ${String(own)}` })
      .then(() => { acknowledged.set(own, performance.now()) }, () => { failed.writes++ })
  }
  const read = async (): Promise<void> => { await db.query('select count(*) from entry').catch(() => { failed.reads++ }) }
  const loops = [...Array.from({ length: WRITERS }, () => loop(write)), ...Array.from({ length: WRITERS }, () => loop(read))]
  await until(() => acknowledged.size >= AROUND)
  await cluster.primary.kill()
  const promoted = await cluster.promote()
  const promotedAt = performance.now()
  const next = (): number | undefined => [...acknowledged.values()].find((at) => at > promotedAt)
  await until(() => next() !== undefined)
  const gapMs = (next() ?? Infinity) - promotedAt
  const { size } = acknowledged
  await until(() => acknowledged.size >= size + AROUND)
  stopped = true
  await Promise.all(loops)
  const client = new pg.Client(promoted.superuserUrl)
  await client.connect()
  const stored = (await client.query<{ id: number }>('select id from entry')).rows.map((row) => row.id)
  await client.end()
  const found = new Set(stored)
  const lost = [...acknowledged.keys()].filter((own) => !found.has(own)).length
  return { gapMs, acknowledged: acknowledged.size, lost, doubled: stored.length - found.size, failedWrites: failed.writes, failedReads: failed.reads }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
}

async function main(): Promise<void> {
  const runs: FailoverRun[] = []
  for (let run = 0; run < RUNS; run++) runs.push(await failoverOnce())
  const gaps = runs.map(({ gapMs }) => gapMs)
  const sum = (of: (run: FailoverRun) => number): number => runs.reduce((total, run) => total + of(run), 0)
  const failover = {
    runs: RUNS, gapP50Ms: Math.round(quantile(gaps, 0.5)), gapP95Ms: Math.round(quantile(gaps, 0.95)), acknowledged: sum((run) => run.acknowledged),
    lost: sum((run) => run.lost), doubled: sum((run) => run.doubled), failedWrites: sum((run) => run.failedWrites), failedReads: sum((run) => run.failedReads),
  }
  console.table([failover])
  const pairs: Pairs[] = []
  for (const engine of ENGINES) pairs.push(...await readYourWrites(engine, PAIRS))
  console.table(pairs.map(({ onFreshReplica, ...row }) => ({ ...row, 'on the replica that has caught up': `${String(Math.round(100 * onFreshReplica))} %` })))
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/failover.json', `${JSON.stringify({ node: process.version, failover, pairs }, undefined, 2)}\n`)
}

await main()
