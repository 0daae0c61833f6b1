import { createHash } from 'node:crypto'
import { asError, limitsFrom } from '../core/deadline.js'
import type { CatalogObject } from '../core/migration-facts.js'
import type { DedicatedSession } from '../database/dedicated.js'
import { sql } from '../sql/tag.js'
import type { History } from './history.js'
import type { Run } from './run.js'

/** How a database's catalog differs from what migrations have made of it. */
export interface CatalogDrift {
  /** When the last run ended; undefined: no run has ended here yet, and nothing can be told. */
  readonly since: Date | undefined
  /** Objects, as `table public.users`, that came since. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** A catalog may be large. */
const CATALOG_MS = 60_000
const MARK_DIGITS = 16

/** Names with a mark of their definitions. */
type Marks = Readonly<Record<string, string>>

/** Names may be there more than once: overloads, parts. */
function marksOf(objects: readonly CatalogObject[]): Marks {
  const texts = new Map<string, string>()
  for (const { name, definition } of objects) texts.set(name, `${texts.get(name) ?? ''}\0${definition}`)
  return Object.fromEntries(Array.from(texts, ([name, text]) => [name, createHash('sha256').update(text).digest('hex').slice(0, MARK_DIGITS)]))
}

/** One text that is equal when the catalogs are. */
function fingerprintOf(objects: readonly CatalogObject[]): string {
  return createHash('sha256').update(JSON.stringify(objects.map(({ name, definition }) => [name, definition]))).digest('hex')
}

/** Runs `work`, and keeps what the catalog looks like when that has changed something, also where it failed half-way. */
export async function withSnapshot<R>(run: Run, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } finally {
    if (run.done.migrations > 0) await keepIfPossible(run)
  }
}

/** Never rejects: migrations that are applied are applied, whether there is a picture of that or not. */
async function keepIfPossible(run: Run): Promise<void> {
  try {
    await keep(run)
  } catch (thrown) {
    const error = asError(thrown)
    run.assembly.notifier.notify('warning', {
      code: 'SLUICE_MIGRATION_SNAPSHOT', node: run.session.node, error,
      message: `what the catalog looks like after the migrations could not be kept: ${error.message}; drift cannot be told until the next run`,
    })
  }
}

async function keep({ history, session }: Run): Promise<void> {
  const objects = await session.ask(history.sql.facts.catalog(history.sql.schema), limitsFrom(CATALOG_MS))
  const table = history.sql.table('migration_snapshot')
  await history.together([
    sql`delete from ${table}`,
    sql`insert into ${table} (at, fingerprint, objects) values (${history.sql.now}, ${fingerprintOf(objects)}, ${JSON.stringify(marksOf(objects))})`,
  ])
}

/** Compares the picture that was kept with the catalog now. */
export async function driftOf(history: History, session: DedicatedSession): Promise<CatalogDrift> {
  const none: CatalogDrift = { since: undefined, added: [], removed: [], changed: [] }
  if (!await history.exists()) return none
  const at = sql.raw(history.sql.facts.epochMs('at'))
  const [row] = await history.run(sql`select ${at} as at_ms, fingerprint, objects from ${history.sql.table('migration_snapshot')}`)
  if (!row) return none
  const since = new Date(Number(row['at_ms']))
  const objects = await session.ask(history.sql.facts.catalog(history.sql.schema), limitsFrom(CATALOG_MS))
  if (fingerprintOf(objects) === row['fingerprint']) return { ...none, since }
  const before = JSON.parse(String(row['objects'])) as Marks
  const now = marksOf(objects)
  return {
    since,
    added: Object.keys(now).filter((name) => !(name in before)),
    removed: Object.keys(before).filter((name) => !(name in now)),
    changed: Object.keys(now).filter((name) => name in before && before[name] !== now[name]),
  }
}
