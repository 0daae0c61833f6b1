import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { ConstraintError } from '../../core/errors.js'
import { Database } from '../../facade/database.js'
import { autoMigrate } from '../../migrations/auto-migrate.js'
import { MigrationManager } from '../../migrations/manager.js'
import type { FolderSource } from '../../migrations/source.js'
import { sql } from '../../sql/tag.js'
import { count, millis, plural } from '../text.js'
import type { Claim } from './claims.js'

/** The example that is shipped with the package: services with their migrations. */
const EXAMPLE = fileURLToPath(new URL('../../../migrations-example/', import.meta.url))

/** So many programs start at once. */
const PROGRAMS = 3
const ACCOUNTS = 10
const FIRST_BALANCE = 100
const DEBITS = 100
const DEBIT = 30
const WRITERS = 4

/** Services of the example as a manager takes them. */
export function exampleSources(folders: Readonly<Record<string, string>>): FolderSource[] {
  return Object.entries(folders).map(([service, folder]) => ({ service, dir: `${EXAMPLE}${folder}` }))
}

/** Several programs bring an empty database to the example's newest version at once, and then work with what they have made. */
export async function migrateExample(url: string, sources: readonly FolderSource[]): Promise<Claim[]> {
  const opened = await Promise.all(Array.from({ length: PROGRAMS }, () => Database.open(url)))
  const [first] = opened
  try {
    const startedAt = performance.now()
    const results = await Promise.all(opened.map((db) => autoMigrate(db, { sources })))
    const durationMs = performance.now() - startedAt
    if (!first) return []
    const applied = results.map((result) => result.applied.map(({ service, version }) => `${service}:${String(version)}`))
    return [await migratedOnce(first, sources, applied, durationMs), await keepsItsBooks(opened)]
  } finally {
    await Promise.all(opened.map((db) => db.close()))
  }
}

async function migratedOnce(db: Database, sources: readonly FolderSource[], applied: readonly (readonly string[])[], durationMs: number): Promise<Claim> {
  const status = await new MigrationManager(db, { sources }).status()
  const wanted = status.map(({ service, version }) => `${service}:${String(version)}`).sort()
  const done = applied.flat().sort()
  const pending = status.filter(({ state }) => state !== 'applied').length
  const held = pending === 0 && wanted.length > 0 && wanted.join() === done.join()
  const idle = applied.filter((own) => own.length === 0).length
  return {
    claim: 'programs that start at once migrate once', held,
    evidence: held
      ? `${plural(PROGRAMS, 'program')} found an empty database: ${plural(done.length, 'migration')} of ${sources.map(({ service }) => service).join(', ')}, each applied once in ${
        millis(durationMs)} ms; ${count(idle)} had nothing left to do`
      : `they applied ${done.join(', ')}; wanted were ${wanted.join(', ')}, and ${count(pending)} of them are not applied`,
  }
}

/** What was counted while money was taken. */
interface Books {
  debited: number
  refused: number
  failed: number
  firstFailure: unknown
}

/** More is taken than is there: what the migrations promise of balances is put to the test. */
async function keepsItsBooks(databases: readonly Database[]): Promise<Claim> {
  const [db] = databases
  const books: Books = { debited: 0, refused: 0, failed: 0, firstFailure: undefined }
  if (!db) return { claim: CLAIM, held: false, evidence: 'there was no database' }
  const accounts = Array.from({ length: ACCOUNTS }, () => randomUUID())
  for (const id of accounts) {
    await db.execute(sql`insert into accounts (id, owner, balance) values (${id}, ${'demo'}, ${FIRST_BALANCE})`)
  }
  let next = 0
  await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
    while (next < DEBITS) {
      const turn = next++
      await debit(databases[writer % databases.length] ?? db, accounts[turn % ACCOUNTS] ?? '', books)
    }
  }))
  const { rows: [found] } = await db.query<{ least: unknown; rest: unknown; taken: unknown }>(
    "select min(balance) as least, sum(balance) as rest, (select coalesce(sum(amount), 0) from transactions where type = 'debit') as taken from accounts", [], { target: 'primary' })
  return judge(books, { least: Number(found?.least), rest: Number(found?.rest), taken: Number(found?.taken) })
}

const CLAIM = 'what the migrations promise holds'

/** A transaction of two statements: where the balance does not suffice, neither is kept. */
async function debit(db: Database, account: string, books: Books): Promise<void> {
  try {
    await db.transaction(async (tx) => {
      await tx.execute(sql`insert into transactions (id, account_id, type, amount) values (${randomUUID()}, ${account}, ${'debit'}, ${DEBIT})`)
      await tx.execute(sql`update accounts set balance = balance - ${DEBIT} where id = ${account}`)
    })
    books.debited++
  } catch (error) {
    if (error instanceof ConstraintError && error.kind === 'check') {
      books.refused++
      return
    }
    books.failed++
    books.firstFailure ??= error
  }
}

function judge({ debited, refused, failed, firstFailure }: Books, { least, rest, taken }: { least: number; rest: number; taken: number }): Claim {
  const held = failed === 0 && debited > 0 && refused > 0 && least >= 0 && taken === debited * DEBIT && rest + taken === ACCOUNTS * FIRST_BALANCE
  return {
    claim: CLAIM, held,
    evidence: held
      ? `${plural(debited, 'debit')} done, ${count(refused)} refused that would have taken a balance below zero; ${count(taken)} taken and ${count(rest)} left are the ${count(ACCOUNTS * FIRST_BALANCE)} there were`
      : `${plural(debited, 'debit')} done, ${count(refused)} refused, ${count(failed)} failed (${String(firstFailure)}); the least balance is ${String(least)}, ${String(taken)} taken, ${String(rest)} left`,
  }
}
