import { asError, limitsFrom, UNLIMITED, type Limits } from '../core/deadline.js'
import { ConfigError } from '../core/errors.js'
import type { TakenLock } from '../core/migration-facts.js'
import type { DedicatedSession } from '../database/dedicated.js'
import { split } from '../sql/split.js'
import { MigrationError } from './errors.js'
import type { Migration, SqlScript } from './migration.js'
import { withSession, type RunParts } from './run.js'
import { lineOf } from './transaction-control.js'

/** A lock that a statement took on a table others may be using. */
export interface RehearsedLock extends TakenLock {
  /** Line of the statement in its file, from 1. */
  readonly line: number
}

/** How one migration went when it was tried. */
export interface RehearsedMigration {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly durationMs: number
  /** On tables that were there before: whoever wants something else of them waits until the migration has ended. */
  readonly locks: readonly RehearsedLock[]
  /** Why it failed; what comes after it was not tried. */
  readonly error: string | undefined
  /** Why it, or a part of it, was not tried. */
  readonly untried: string | undefined
}

/** The server's own limit ends it sooner. */
const END_MS = 30_000

/**
 * Runs migrations in one transaction and rolls it back; tells the locks they took and how long they took. While it lasts,
 * those locks are held as they would be.
 *
 * @throws ConfigError the engine cannot undo DDL
 */
export async function rehearse(parts: RunParts, migrations: readonly Migration[], limits: Limits = UNLIMITED): Promise<RehearsedMigration[]> {
  const { dialect, facts } = parts.texts
  if (!dialect.features.transactionalDdl) {
    throw new ConfigError(`migrations.plan: ${dialect.engine} cannot rehearse: its DDL commits by itself`, { option: 'rehearse', hint: 'run them on a copy of the database' })
  }
  return withSession(parts, async (_, session) => {
    const known = new Set((await session.ask(facts.tables, limits)).map(({ name }) => name))
    await session.query(facts.begin, undefined, limits)
    try {
      return await new Rehearsal(parts, session, known, limits).all(migrations)
    } finally {
      if (!session.broken) await session.query('rollback', undefined, limitsFrom(END_MS))
    }
  })
}

/** One transaction that will not be kept. */
class Rehearsal {
  readonly #parts: RunParts
  readonly #session: DedicatedSession
  readonly #known: ReadonlySet<string>
  readonly #limits: Limits
  readonly #seen = new Set<string>()

  constructor(parts: RunParts, session: DedicatedSession, known: ReadonlySet<string>, limits: Limits) {
    this.#parts = parts
    this.#session = session
    this.#known = known
    this.#limits = limits
  }

  async all(migrations: readonly Migration[]): Promise<RehearsedMigration[]> {
    const tried: RehearsedMigration[] = []
    for (const migration of migrations) {
      const one = await this.#one(migration)
      tried.push(one)
      if (one.error !== undefined) break
    }
    return tried
  }

  async #one({ service, version, name, up }: Migration): Promise<RehearsedMigration> {
    const what = { service, version, name }
    if (up.kind === 'code') return { ...what, durationMs: 0, locks: [], error: undefined, untried: 'it is code, which may do more than a rollback undoes' }
    const locks: RehearsedLock[] = []
    const startedAt = performance.now()
    try {
      const untried = await this.#script(up, locks)
      return { ...what, durationMs: performance.now() - startedAt, locks, error: undefined, untried }
    } catch (error) {
      if (this.#session.broken || this.#limits.signal?.aborted === true) throw error
      return { ...what, durationMs: performance.now() - startedAt, locks, error: `${up.path}: ${asError(error).message}`, untried: undefined }
    }
  }

  /** @returns what of it cannot run in a transaction */
  async #script({ text, path, directives }: SqlScript, locks: RehearsedLock[]): Promise<string | undefined> {
    const { dialect, facts } = this.#parts.texts
    const limits = { lockTimeoutMs: directives.lockTimeoutMs ?? this.#parts.config.statementLockTimeoutMs, statementTimeoutMs: directives.statementTimeoutMs }
    for (const setting of facts.timeouts(limits, true)) await this.#session.query(setting, undefined, this.#limits)
    const left: string[] = []
    for (const statement of split(text, dialect.lexicon).statements) {
      const line = lineOf(text, statement.start)
      const words = statement.head.join(' ')
      if (facts.alone?.test(words)) {
        left.push(`line ${String(line)}`)
        continue
      }
      await this.#session.query(statement.text, undefined, this.#limits)
      if (this.#session.idle === true) throw new MigrationError('failed', `${path}:${String(line)} has ended the transaction of the rehearsal: what came before it stays`)
      locks.push(...(await this.#taken()).map((lock) => ({ ...lock, line })))
    }
    return left.length === 0 ? undefined : `${left.join(', ')}: cannot run in a transaction`
  }

  /** What has been taken since the last time. */
  async #taken(): Promise<TakenLock[]> {
    const { locksTaken } = this.#parts.texts.facts
    if (!locksTaken) return []
    const all = (await this.#session.ask(locksTaken, this.#limits)).filter(({ relation }) => this.#known.has(relation.replaceAll('"', '')))
    const fresh = all.filter(({ relation, mode }) => !this.#seen.has(`${relation} ${mode}`))
    for (const { relation, mode } of fresh) this.#seen.add(`${relation} ${mode}`)
    return fresh
  }
}
