/**
 * A backup's memory and pace: an uncompressed, encrypted dump of BENCH_MB megabytes (default 2,048) is streamed into a store
 * that only counts, beside pg_dump alone on the same table. Peak memory must not grow with the size.
 *
 * Run: `npm run bench -- backup`. Needs pg_dump of the server's version. What a reader must not conclude: how fast a store is.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { BackupManager, Database, type BackupStore } from '../src/index.js'

const MEGABYTES = Number(process.env['BENCH_MB'] ?? 2_048)
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
const SAMPLE_MS = 50

/** Keeps small objects (the manifest), counts large ones. */
class CountingStore implements BackupStore {
  readonly location = 'nowhere'
  readonly #small = new Map<string, Buffer>()
  bytes = 0

  async write(key: string, body: AsyncIterable<Buffer>): Promise<boolean> {
    const parts: Buffer[] = []
    for await (const part of body) {
      this.bytes += part.length
      if (key.endsWith('.json')) parts.push(part)
    }
    this.#small.set(key, Buffer.concat(parts))
    return true
  }

  read(key: string): Promise<Readable> { return Promise.resolve(Readable.from([this.#small.get(key) ?? Buffer.alloc(0)])) }

  async *list(prefix: string): AsyncGenerator<{ key: string; bytes: number; modifiedAt: Date }> {
    for (const [key, body] of this.#small) if (key.startsWith(prefix)) yield { key, bytes: body.length, modifiedAt: new Date() }
  }

  remove(key: string): Promise<void> {
    this.#small.delete(key)
    return Promise.resolve()
  }
}

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const db = await Database.open({ primary: url, statementTimeoutMs: 0 })
  await db.execute('drop table if exists bench_backup')
  await db.execute('create table bench_backup (id int, pad text)')
  await db.execute('alter table bench_backup alter column pad set storage external')
  await db.execute('insert into bench_backup select n, repeat(md5(n::text), 64) from generate_series(1, $1::int) n', [Math.ceil(MEGABYTES * 1e6 / 2_053)])
  const rows = [await measured(db, Math.ceil(MEGABYTES / 8)), await measured(db, undefined)]
  const alone = pgDump(url)
  const result = { megabytes: MEGABYTES, rows, pgDumpAloneMs: alone, ratio: Number(((rows[1]?.ms ?? NaN) / alone).toFixed(2)) }
  await db.execute('drop table bench_backup')
  await db.close()
  console.table(rows)
  console.log(`pg_dump alone: ${String(alone)} ms; the backup took ${String(result.ratio)} times as long`)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/backup.json', `${JSON.stringify(result, undefined, 2)}\n`)
}

/** One backup; with `cutMb`, of a table of that size. */
async function measured(db: Database, cutMb: number | undefined): Promise<{ megabytes: number; ms: number; mbPerSecond: number; peakRssMb: number }> {
  const table = cutMb === undefined ? 'bench_backup' : 'bench_backup_small'
  if (cutMb !== undefined) await db.execute(`create table ${table} as select * from bench_backup limit ${String(Math.ceil(cutMb * 1e6 / 2_053))}`)
  const store = new CountingStore()
  const backups = new BackupManager(db, { store, compression: false, encryption: { recipients: [RECIPIENT] } })
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, SAMPLE_MS)
  const startedAt = performance.now()
  await backups.backup({ tables: [table] })
  const ms = Math.round(performance.now() - startedAt)
  clearInterval(timer)
  if (cutMb !== undefined) await db.execute(`drop table ${table}`)
  const megabytes = Math.round(store.bytes / 1e6)
  return { megabytes, ms, mbPerSecond: Math.round(megabytes / ms * 1_000), peakRssMb: Math.round((peak - before) / 1e6) }
}

function pgDump(url: string): number {
  const startedAt = performance.now()
  const { hostname, port, username, password, pathname } = new URL(url)
  execFileSync('pg_dump', ['--format=custom', '--compress=0', '--table=bench_backup'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: decodeURIComponent(password), PGDATABASE: pathname.slice(1) },
  })
  return Math.round(performance.now() - startedAt)
}

await main()
