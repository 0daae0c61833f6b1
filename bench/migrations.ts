/**
 * A thousand migrations from empty (a table, an index and a row each), three ways: as golang-migrate does it (version and
 * `dirty` before and after each file, every one of the three its own commit), as node-pg-migrate does it (one transaction
 * with a row of history for each), and by `MigrationManager`. Then a boot with nothing to do, by `autoMigrate`.
 *
 * Run: `npm run bench -- migrations`. Contenders run in interleaved rounds on one server, each in a schema of its own;
 * ratios are of medians. What a reader must not conclude: that those programs are that fast. The first two are loops over a
 * driver that send the same SQL and read no files, take no lock and check nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { autoMigrate, Database, MigrationManager } from '../src/index.js'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const MIGRATIONS = Number(process.env['BENCH_TRANSACTIONS'] ?? 0) > 0 ? 20 : 1_000
const BOOTS = 50

function scriptsIn(schema: string): string[] {
  return Array.from({ length: MIGRATIONS }, (_, index) => {
    const name = `${schema}.t${String(index)}`
    return `create table ${name} (id int primary key, name text not null);\ncreate index on ${name} (name);\ninsert into ${name} values (1, 'x');\n`
  })
}

async function golangMigrateWay(client: pg.Client, schema: string): Promise<void> {
  await client.query(`create table ${schema}.schema_migrations (version bigint primary key, dirty boolean not null)`)
  const version = (number: number, dirty: boolean): string =>
    `begin; truncate ${schema}.schema_migrations; insert into ${schema}.schema_migrations values (${String(number)}, ${String(dirty)}); commit`
  for (const [index, script] of scriptsIn(schema).entries()) {
    await client.query(version(index, true))
    await client.query(script)
    await client.query(version(index, false))
  }
}

async function nodePgMigrateWay(client: pg.Client, schema: string): Promise<void> {
  await client.query(`create table ${schema}.pgmigrations (id serial primary key, name text not null, run_on timestamptz not null)`)
  for (const [index, script] of scriptsIn(schema).entries()) {
    await client.query('begin')
    await client.query(script)
    await client.query(`insert into ${schema}.pgmigrations (name, run_on) values ('${String(index)}', now())`)
    await client.query('commit')
  }
}

function sourcesIn(schema: string): { service: string; files: Record<string, string> }[] {
  return [{ service: 'bench', files: Object.fromEntries(scriptsIn(schema).map((script, index) => [`${String(index + 1)}_t.up.sql`, script])) }]
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function main(): Promise<void> {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('set DATABASE_URL to a PostgreSQL server')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await using db = await Database.open(url)
  const schema = 'sluice_bench_migrations'
  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['golang-migrate\'s way', () => golangMigrateWay(client, schema)],
    ['node-pg-migrate\'s way', () => nodePgMigrateWay(client, schema)],
    ['MigrationManager', () => new MigrationManager(db, { schema, sources: sourcesIn(schema) }).up()],
  ]
  const times = new Map<string, number[]>(ways.map(([name]) => [name, []]))
  const boots: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, work] of ways) {
      await dropped(client, schema)
      await client.query(`create schema ${schema}`)
      times.get(name)?.push(await timed(work))
    }
    // the manager was the last: its history is there
    const options = { schema, sources: sourcesIn(schema) }
    for (let boot = 0; boot < BOOTS; boot++) boots.push(await timed(() => autoMigrate(db, options)))
  }
  await dropped(client, schema)
  await client.end()
  const base = median(times.get('node-pg-migrate\'s way') ?? [])
  const rows = ways.map(([name]) => {
    const ms = median(times.get(name) ?? [])
    return { name, seconds: Number((ms / 1_000).toFixed(3)), ratio: Number((ms / base).toFixed(2)) }
  })
  console.table(rows)
  console.log(`a boot with nothing to do, of ${String(MIGRATIONS)} migrations: ${median(boots).toFixed(2)} ms`)
  await mkdir('bench/results', { recursive: true })
  await writeFile('bench/results/migrations.json', `${JSON.stringify({ node: process.version, migrations: MIGRATIONS, rounds: ROUNDS, rows, bootMs: median(boots) }, undefined, 2)}\n`)
}

/** In pieces: one transaction has room for the locks of so many tables only. */
async function dropped(client: pg.Client, schema: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ text: string | null }>(
      `select string_agg(format('drop table %I.%I cascade', schemaname, tablename), '; ') as text
       from (select schemaname, tablename from pg_tables where schemaname = $1 limit 200) t`, [schema])
    const text = rows[0]?.text
    if (typeof text !== 'string') break
    await client.query(text)
  }
  await client.query(`drop schema if exists ${schema} cascade`)
}

await main()
