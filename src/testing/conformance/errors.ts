import assert from 'node:assert/strict'
import type { Connection } from '../../core/driver.js'
import type { ErrorFacts, ErrorKind } from '../../core/error-facts.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, dropTables, given, makeTables, run, valueOf, type Bench } from './bench.js'

/** Failures, told apart and told without values. */
export function errorCases(target: ConformanceTarget): ConformanceCase[] {
  const { features } = target.driver.dialect
  return [
    ...simple(target).map(([name, kind, text, facts]) => benchCase(target, `an error is told apart: ${name}`, async (bench) => {
      await failsAs(bench, kind, text, facts)
    })),
    benchCase(target, 'an error is told apart: a duplicate key, without the value', duplicates),
    ...(features.concurrentConnections ? [
      benchCase(target, 'an error is told apart: a lock that is not granted in time', waitsForLock),
    ] : []),
    ...(features.rowLocks ? [benchCase(target, 'an error is told apart: a deadlock', deadlocks)] : []),
    ...(features.updateConflicts ? [benchCase(target, 'an error is told apart: a serialization failure', conflicts)] : []),
    benchCase(target, 'an error is told apart: a write on a read-only session', refusesWrites),
    ...(features.embedded ? [] : [benchCase(target, 'an error is told apart: the session was ended from outside', loses)]),
    ...target.refused.map(({ kind, settings }) => benchCase(target, `a login is refused: ${kind}`, async (bench) => {
      const facts = await bench.failure(target.driver.connect(settings))
      assert.equal(facts.kind, kind)
      assert.equal(facts.connectionLost, true)
    })),
    benchCase(target, 'any thrown thing is described', async () => {
      const { dialect } = target.driver
      for (const thrown of [undefined, null, 1, 'text', {}, new Error('x'), Object.create(null), { get message() { throw new Error('no') } }]) {
        assert.equal(dialect.describeError(thrown).kind, 'other')
      }
    }),
  ]
}

type Expected = Partial<Pick<ErrorFacts, 'constraint' | 'table' | 'columns'>>

/** Every text has one parameter, whose value must never show. */
const SECRET = 'hunter2'

function simple(target: ConformanceTarget): readonly (readonly [name: string, kind: ErrorKind, text: string, facts: Expected])[] {
  const owner = target.driver.dialect.features.constraintNames ? { constraint: 'conformance_owner' } : { constraint: undefined }
  return [
    ['a missing referenced row', 'foreign-key', 'insert into conformance_order (id, person, amount) values (1, 99, 1)', owner],
    ['a NULL where none may be', 'not-null', 'insert into conformance_person (id) values (9)', { columns: ['email'] }],
    ['a broken rule', 'check', 'insert into conformance_order (id, person, amount) values (1, 1, -1)', { constraint: 'conformance_amount' }],
    ['a syntax error', 'syntax', 'selec 1', {}],
    ['an unknown table', 'unknown-object', 'select * from conformance_nowhere', {}],
    ['an unknown column', 'unknown-object', 'select conformance_nothing from conformance_person', {}],
    ['a value that does not fit, without showing it', 'data', target.sql.badValue, {}],
  ]
}

async function failsAs(bench: Bench, kind: ErrorKind, text: string, expected: Expected): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const params = text.includes(bench.placeholder()) ? [SECRET] : []
  const facts = await bench.failure(run(connection, text, params))
  assert.equal(facts.kind, kind)
  assert.equal(facts.connectionLost, false)
  assert.ok(facts.serverCode)
  assert.doesNotMatch(facts.message, new RegExp(SECRET))
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(facts[name as keyof Expected], value, name)
  assert.equal(Number(await valueOf(connection, 'select 1')), 1)
  await dropTables(connection)
}

async function duplicates(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  const insert = `insert into conformance_person (id, email) values (${bench.placeholder(1)}, ${bench.placeholder(2)})`
  await run(connection, insert, [3, SECRET])
  const facts = await bench.failure(run(connection, insert, [4, SECRET]))
  assert.equal(facts.kind, 'unique')
  const named = bench.target.driver.dialect.features.constraintNames
  if (named) assert.equal(facts.constraint, 'conformance_email')
  else assert.deepEqual([facts.table, facts.columns], ['conformance_person', ['email']])
  assert.doesNotMatch(facts.message, new RegExp(SECRET))
  assert.equal(facts.transient, false)
  await dropTables(connection)
}

async function twoWithTables(bench: Bench): Promise<readonly [Connection, Connection]> {
  const [one, other] = [await bench.connect(), await bench.connect()]
  await makeTables(one)
  return [one, other]
}

const TOUCH = (id: number): string => `update conformance_person set email = concat(email, 'x') where id = ${String(id)}`

async function waitsForLock(bench: Bench): Promise<void> {
  const [holder, waiter] = await twoWithTables(bench)
  await run(holder, bench.target.driver.dialect.begin({}))
  await run(holder, TOUCH(1))
  await run(waiter, given(bench.target.sql.lockTimeout, 'lockTimeout'))
  const facts = await bench.failure(run(waiter, TOUCH(1)))
  assert.equal(facts.kind, 'lock-timeout')
  assert.equal(facts.transient, true)
  await run(holder, 'rollback')
  await dropTables(holder)
}

async function deadlocks(bench: Bench): Promise<void> {
  const [one, other] = await twoWithTables(bench)
  const { dialect } = bench.target.driver
  await run(one, dialect.begin({}))
  await run(other, dialect.begin({}))
  await run(one, TOUCH(1))
  await run(other, TOUCH(2))
  const outcomes = await Promise.allSettled([run(one, TOUCH(2)), run(other, TOUCH(1))])
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.equal(failed.length, 1)
  const facts = dialect.describeError(failed[0]?.reason)
  assert.equal(facts.kind, 'deadlock')
  assert.equal(facts.transient, true)
  await Promise.all([run(one, 'rollback'), run(other, 'rollback')])
  await dropTables(one)
}

async function conflicts(bench: Bench): Promise<void> {
  const [one, other] = await twoWithTables(bench)
  const begin = bench.target.driver.dialect.begin({ isolationLevel: 'repeatable read' })
  await run(one, begin)
  await run(one, 'select * from conformance_person')
  await run(other, TOUCH(1))
  const facts = await bench.failure(run(one, TOUCH(1)))
  assert.equal(facts.kind, 'serialization')
  assert.equal(facts.transient, true)
  await run(one, 'rollback')
  await dropTables(one)
}

async function refusesWrites(bench: Bench): Promise<void> {
  const owner = await bench.connect()
  await makeTables(owner)
  const facts = await bench.failure(run(await bench.connect({ readOnly: true }), TOUCH(1)))
  assert.equal(facts.kind, 'read-only')
  assert.equal(facts.connectionLost, false)
  await dropTables(owner)
}

async function loses(bench: Bench): Promise<void> {
  const [victim, killer] = [await bench.connect(), await bench.connect()]
  const running = bench.failure(run(victim, given(bench.target.sql.sleep, 'sleep')))
  await bench.terminate(victim, killer)
  const facts = await running
  assert.ok(facts.kind === 'lost' || facts.kind === 'shutting-down', facts.kind)
  assert.equal(facts.connectionLost, true)
  assert.equal(victim.broken, true)
  const again = await bench.failure(run(victim, 'select 1'))
  assert.equal(again.kind, 'lost')
}
