import assert from 'node:assert/strict'
import type { Features } from '../../core/dialect.js'
import type { Connection } from '../../core/driver.js'
import { statement } from '../../core/statement.js'
import { benchCase, dropTables, makeTables, run, valueOf, type Bench } from './bench.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'

/**
 * What a dialect says it cannot do is checked too: a feature that is denied and there after all would never be used. The
 * names of these cases tell a reader what an engine leaves out.
 */
export function denialCases(target: ConformanceTarget): ConformanceCase[] {
  const { features } = target.driver.dialect
  return DENIALS.filter(({ feature }) => !features[feature]).map(({ feature, name, check }) =>
    benchCase(target, `not offered, and said so (features.${feature}): ${name}`, check))
}

interface Denial {
  readonly feature: keyof Features
  readonly name: string
  readonly check: (bench: Bench) => Promise<void>
}

const DENIALS: readonly Denial[] = [
  { feature: 'pipelining', name: 'several statements in flight', check: lacks('pipeline') },
  { feature: 'streaming', name: 'rows in batches', check: lacks('stream') },
  { feature: 'cancel', name: 'cancelling a running statement', check: lacks('cancel') },
  { feature: 'notifications', name: 'messages from other sessions', check: lacks('subscribe') },
  { feature: 'preparedStatements', name: 'prepared statements; being asked for one does no harm', check: preparesAnyway },
  { feature: 'returning', name: 'RETURNING', check: refusesReturning },
  { feature: 'insertId', name: 'the key an INSERT was given', check: tellsNoKey },
]

function lacks(method: keyof Connection): (bench: Bench) => Promise<void> {
  return async (bench: Bench): Promise<void> => {
    assert.equal(method in await bench.connect(), false)
  }
}

async function preparesAnyway(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const { rows } = await connection.query(statement(`select ${bench.placeholder()} + 1 as value`, [1], true))
  assert.equal(Number(rows[0]?.['value']), 2)
}

async function refusesReturning(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const facts = await bench.failure(run(connection, "insert into conformance_person (id, email) values (3, 'c') returning id"))
  assert.equal(facts.kind, 'syntax')
  await dropTables(connection)
}

async function tellsNoKey(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await run(connection, 'drop table if exists conformance_key')
  await run(connection, `create table conformance_key (${bench.target.sql.generatedKey}, name varchar(20))`)
  assert.equal((await run(connection, "insert into conformance_key (name) values ('a')")).insertId, undefined)
  assert.equal(Number(await valueOf(connection, 'select count(*) from conformance_key')), 1)
  await run(connection, 'drop table conformance_key')
}
