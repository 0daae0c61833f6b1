import assert from 'node:assert/strict'
import { sleep } from '../../core/deadline.js'
import type { ConnectSettings, Connection } from '../../core/driver.js'
import type { ErrorFacts } from '../../core/error-facts.js'
import type { DriverResult } from '../../core/result.js'
import { statement } from '../../core/statement.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'

/** The connections of one case: opened on demand, all closed at its end. */
export class Bench {
  readonly target: ConformanceTarget
  readonly #open: Connection[] = []

  constructor(target: ConformanceTarget) {
    this.target = target
  }

  async connect(settings: Partial<ConnectSettings> = {}): Promise<Connection> {
    const connection = await this.target.driver.connect({ ...this.target.settings, ...settings })
    this.#open.push(connection)
    return connection
  }

  /** `$1` or `?`. */
  placeholder(position = 1): string {
    return this.target.driver.dialect.placeholder(position)
  }

  /** The facts of a failure; fails the case when there is none. */
  async failure(attempt: Promise<unknown>): Promise<ErrorFacts> {
    const error = await attempt.then(() => undefined, (thrown: unknown) => ({ thrown }))
    assert.ok(error, 'the statement was expected to fail')
    return this.target.driver.dialect.describeError(error.thrown)
  }

  /** Ends a session from another one, as an administrator would. */
  terminate(victim: Connection, killer: Connection): Promise<unknown> {
    return run(killer, given(this.target.sql.terminate, 'terminate')(victim.id))
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.close()))
  }
}

/** A case whose connections are closed whatever happens. */
export function benchCase(target: ConformanceTarget, name: string, work: (bench: Bench) => Promise<void>): ConformanceCase {
  return {
    name,
    run: async () => {
      const bench = new Bench(target)
      try {
        await work(bench)
      } finally {
        await bench.close()
      }
    },
  }
}

/** A text that the engine's features promise; fails the case when the engine's SQL leaves it out. */
export function given<T>(value: T | undefined, name: string): T {
  assert.ok(value !== undefined, `sql.${name} is needed: the dialect's features say that the engine can do this`)
  return value
}

/** Runs one text. */
export function run<Row = Record<string, unknown>>(
  connection: Connection, text: string, params: readonly unknown[] = [], prepare = false,
): Promise<DriverResult<Row>> {
  return connection.query<Row>(statement(text, params, prepare))
}

/** First column of the first row. */
export async function valueOf(connection: Connection, text: string, params: readonly unknown[] = [], prepare = false): Promise<unknown> {
  const { rows: [row] } = await run(connection, text, params, prepare)
  return Object.values(row ?? {})[0]
}

/** A table of people and one of their orders, with one constraint of every kind. Made anew. */
export async function makeTables(connection: Connection): Promise<void> {
  await dropTables(connection)
  await run(connection, 'create table conformance_person (id int primary key, email varchar(100) not null,'
    + ' constraint conformance_email unique (email))')
  await run(connection, 'create table conformance_order (id int primary key, person int, amount int,'
    + ' constraint conformance_owner foreign key (person) references conformance_person (id),'
    + ' constraint conformance_amount check (amount > 0))')
  await run(connection, "insert into conformance_person (id, email) values (1, 'one@example.org'), (2, 'two@example.org')")
}

/** Removes what {@link makeTables} made. */
export async function dropTables(connection: Connection): Promise<void> {
  await run(connection, 'drop table if exists conformance_order')
  await run(connection, 'drop table if exists conformance_person')
}

/** Waits until `condition` holds, ten seconds at most. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    if (await condition()) return
    await sleep(10)
  }
  assert.fail(`waited 10 s for ${what}`)
}

/** A query of `count` rows, `n` from 1, in SQL that every engine reads. */
export function series(count: number): string {
  return `with recursive series (n) as (select 1 union all select n + 1 from series where n < ${String(count)}) select n from series`
}
