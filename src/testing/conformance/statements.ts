import assert from 'node:assert/strict'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, dropTables, makeTables, run, series, until, valueOf, type Bench } from './bench.js'

/** Results, prepared statements, cancelling. */
export function statementCases(target: ConformanceTarget): ConformanceCase[] {
  const { features } = target.driver.dialect
  return [
    benchCase(target, 'a query gives its rows in order, their count, its columns and its verb', gives),
    benchCase(target, 'a change gives the number of rows it touched', counts),
    ...(features.preparedStatements ? [
      benchCase(target, 'prepared statements per connection are bounded; the least recently used go', boundsPrepared),
      benchCase(target, 'a prepared statement outlives a change of its table', survivesDdl),
    ] : []),
    ...(features.cancel ? [
      benchCase(target, 'a running statement is cancelled on the server and the connection stays usable', cancels),
      benchCase(target, 'a cancel that comes too late harms nobody', cancelsLate),
    ] : []),
  ]
}

async function gives(bench: Bench): Promise<void> {
  const result = await run(await bench.connect(), `${series(500)} order by n`)
  assert.equal(result.rowCount, 500)
  assert.deepEqual(result.rows.map((row) => Number(row['n'])), Array.from({ length: 500 }, (_, index) => index + 1))
  assert.deepEqual(result.fields.map((field) => field.name), ['n'])
  assert.equal(typeof result.fields[0]?.dataType, 'number')
  assert.equal(result.command, 'SELECT')
}

async function counts(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const update = await run(connection, `update conformance_person set email = concat(email, 'x') where id < ${bench.placeholder()}`, [3])
  assert.deepEqual([update.rowCount, update.rows.length, update.command], [2, 0, 'UPDATE'])
  const none = await run(connection, 'delete from conformance_person where id = 99')
  assert.deepEqual([none.rowCount, none.command], [0, 'DELETE'])
  await dropTables(connection)
}

async function boundsPrepared(bench: Bench): Promise<void> {
  const { preparedCount } = bench.target.sql
  const connection = await bench.connect({ maxPreparedStatements: 3 })
  const text = (index: number): string => `select ${bench.placeholder()} + ${String(index)} as value`
  for (let index = 0; index < 12; index++) {
    assert.equal(Number(await valueOf(connection, text(index), [1], true)), index + 1)
    assert.equal(Number(await valueOf(connection, text(0), [1], true)), 1)
  }
  if (preparedCount !== undefined) assert.equal(Number(await valueOf(connection, preparedCount)), 3)
  const unprepared = await bench.connect({ maxPreparedStatements: 0 })
  assert.equal(Number(await valueOf(unprepared, text(1), [1], true)), 2)
  if (preparedCount !== undefined) assert.equal(Number(await valueOf(unprepared, preparedCount)), 0)
}

async function survivesDdl(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const text = `select * from conformance_person where id = ${bench.placeholder()}`
  assert.deepEqual(Object.keys((await run(connection, text, [1], true)).rows[0] ?? {}), ['id', 'email'])
  await run(connection, 'alter table conformance_person add column age int')
  assert.deepEqual(Object.keys((await run(connection, text, [1], true)).rows[0] ?? {}), ['id', 'email', 'age'])
  assert.deepEqual(Object.keys((await run(connection, text, [1], true)).rows[0] ?? {}), ['id', 'email', 'age'])
  await dropTables(connection)
}

async function cancels(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const running = bench.failure(run(connection, bench.target.sql.sleep))
  assert.equal(connection.inFlight, 1)
  // A cancel that overtakes the statement on its way hits nothing: ask until the statement has ended.
  let ended = false
  void running.then(() => { ended = true }, () => { ended = true })
  await until(async () => {
    await connection.cancel?.()
    return ended
  }, 'the statement to end')
  const facts = await running
  assert.equal(facts.kind, 'cancelled')
  assert.equal(facts.connectionLost, false)
  assert.equal(connection.broken, false)
  assert.equal(connection.inFlight, 0)
  assert.equal(Number(await valueOf(connection, 'select 1')), 1)
}

async function cancelsLate(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await run(connection, 'select 1')
  await connection.cancel?.()
  // the request may still be on its way inside the server: this is what a caller that settles first never sees
  await connection.ping().catch(() => undefined)
  assert.equal(Number(await valueOf(connection, 'select 2')), 2)
}
