import assert from 'node:assert/strict'
import { sql } from '../../sql/tag.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, dropTables, given, makeTables, run, series, until, valueOf, type Bench } from './bench.js'

/** Results, prepared statements, cancelling. */
export function statementCases(target: ConformanceTarget): ConformanceCase[] {
  const { features } = target.driver.dialect
  return [
    benchCase(target, 'a query gives its rows in order, their count, its columns and its verb', gives),
    benchCase(target, 'a change gives the number of rows it touched', counts),
    benchCase(target, 'one INSERT of many rows counts them all', countsMany),
    benchCase(target, 'the sql tag writes this engine\'s placeholders and quotes its names', readsTag),
    ...(features.insertId ? [benchCase(target, 'an INSERT tells the key it was given', tellsKey)] : []),
    ...(features.returning ? [benchCase(target, 'RETURNING gives rows and counts them', returnsRows)] : []),
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
  const same = await run(connection, 'update conformance_person set email = email')
  assert.equal(same.rowCount, 2, 'rows that match count, also when nothing in them changes')
  const none = await run(connection, 'delete from conformance_person where id = 99')
  assert.deepEqual([none.rowCount, none.command], [0, 'DELETE'])
  await dropTables(connection)
}

async function countsMany(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const rows = Array.from({ length: 300 }, (_, index) => [index + 10, `${String(index)}@example.org`])
  const places = rows.map((_, index) => `(${bench.placeholder(2 * index + 1)}, ${bench.placeholder(2 * index + 2)})`).join(', ')
  const inserted = await run(connection, `insert into conformance_person (id, email) values ${places}`, rows.flat())
  assert.deepEqual([inserted.rowCount, inserted.rows.length, inserted.command], [300, 0, 'INSERT'])
  assert.equal(Number(await valueOf(connection, 'select count(*) from conformance_person')), 302)
  await dropTables(connection)
}

async function readsTag(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const names = sql.join([sql.id('id'), sql.id('email')])
  const inner = sql`email <> ${'it\'s ?'} and id in (${sql.join([1, 2, 3])})`
  const tagged = sql`select ${names} from ${sql.id('conformance_person')} where ${inner} and id < ${2}`
  const { text, params } = tagged.compile(bench.target.driver.dialect)
  assert.deepEqual((await run(connection, text, params)).rows.map((row) => [Number(row['id']), row['email']]), [[1, 'one@example.org']])
  await dropTables(connection)
}

async function tellsKey(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await run(connection, 'drop table if exists conformance_key')
  await run(connection, `create table conformance_key (${bench.target.sql.generatedKey}, name varchar(20))`)
  for (const name of ['a', 'b']) {
    const { insertId } = await run(connection, `insert into conformance_key (name) values (${bench.placeholder()})`, [name])
    const id = await valueOf(connection, `select id from conformance_key where name = ${bench.placeholder()}`, [name])
    assert.equal(String(insertId), String(id))
  }
  assert.equal((await run(connection, 'select id from conformance_key')).insertId, undefined)
  await run(connection, 'drop table conformance_key')
}

async function returnsRows(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const inserted = await run(connection, "insert into conformance_person (id, email) values (3, 'c'), (4, 'd') returning id, email")
  assert.deepEqual(inserted.rows.map((row) => [Number(row['id']), row['email']]), [[3, 'c'], [4, 'd']])
  assert.deepEqual([inserted.rowCount, inserted.command, inserted.fields.map((field) => field.name)], [2, 'INSERT', ['id', 'email']])
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
  const running = bench.failure(run(connection, given(bench.target.sql.sleep, 'sleep')))
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
