import assert from 'node:assert/strict'
import type { Connection } from '../../core/driver.js'
import { statement } from '../../core/statement.js'
import { benchCase, dropTables, makeTables, run, until, valueOf, type Bench } from './bench.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { flakyProxy, type FlakyProxy } from '../flaky-proxy.js'

/** BEGIN to COMMIT, and what becomes of it when something breaks in between. */
export function transactionCases(target: ConformanceTarget): ConformanceCase[] {
  const { features, probes } = target.driver.dialect
  return [
    benchCase(target, 'what is committed is there and what is rolled back is not', keepsAndForgets),
    benchCase(target, 'a rollback to a savepoint undoes what came after it, and no more', returnsToSavepoint),
    benchCase(target, 'a read-only transaction refuses writes, and the next one takes them', refusesWrites),
    benchCase(target, 'DDL is undone by a rollback exactly where the dialect says so', undoesDdl),
    features.errorsAbortTransaction
      ? benchCase(target, 'after an error a transaction takes nothing but a rollback, and COMMIT says so', abortsAfterError)
      : benchCase(target, 'after an error a transaction goes on, and COMMIT stores what succeeded', goesOnAfterError),
    ...(features.concurrentConnections ? [] : [
      benchCase(target, 'a statement of another connection waits until the transaction under way has ended', waitsInTurn),
    ]),
    ...(features.concurrentConnections && !features.rowLocks ? [
      benchCase(target, 'a second writer waits until the first one has committed', waitsForWriter),
    ] : []),
    ...(features.rowLocks && !features.updateConflicts ? [
      benchCase(target, 'at repeatable read the later change of a row waits and then succeeds', overwrites),
    ] : []),
    ...(features.embedded ? [] : [
      benchCase(target, 'a COMMIT whose answer is lost rejects as lost, and was done', losesCommit),
    ]),
    ...(probes.transactionId ? [benchCase(target, 'the fate of a transaction can be asked', tellsFate)] : []),
  ]
}

const PEOPLE = 'select count(*) from conformance_person'
const INSERT = "insert into conformance_person (id, email) values (7, 'seven@example.org')"

async function people(connection: Connection): Promise<number> {
  return Number(await valueOf(connection, PEOPLE))
}

async function keepsAndForgets(bench: Bench): Promise<void> {
  const { dialect } = bench.target.driver
  const connection = await bench.connect()
  await makeTables(connection)
  await run(connection, dialect.begin({}))
  await run(connection, INSERT)
  assert.equal((await run(connection, 'rollback')).command, 'ROLLBACK')
  assert.equal(await people(connection), 2)
  await run(connection, dialect.begin({ isolationLevel: 'serializable' }))
  await run(connection, INSERT)
  assert.equal((await run(connection, 'commit')).command, 'COMMIT')
  assert.equal(await people(await bench.connect()), 3)
  await dropTables(connection)
}

async function returnsToSavepoint(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  await run(connection, bench.target.driver.dialect.begin({}))
  await run(connection, 'delete from conformance_person where id = 1')
  await run(connection, 'savepoint conformance')
  await run(connection, 'delete from conformance_person')
  await bench.failure(run(connection, 'select * from conformance_nowhere'))
  await run(connection, 'rollback to savepoint conformance')
  assert.equal(await people(connection), 1)
  await run(connection, 'release savepoint conformance')
  await run(connection, 'commit')
  assert.equal(await people(connection), 1)
  await dropTables(connection)
}

async function refusesWrites(bench: Bench): Promise<void> {
  const { dialect } = bench.target.driver
  const connection = await bench.connect()
  await makeTables(connection)
  await run(connection, dialect.begin({ readOnly: true }))
  assert.equal(await people(connection), 2)
  assert.equal((await bench.failure(run(connection, INSERT))).kind, 'read-only')
  await run(connection, 'rollback')
  await run(connection, dialect.begin({}))
  await run(connection, INSERT)
  await run(connection, 'commit')
  assert.equal(await people(connection), 3)
  await dropTables(connection)
}

async function undoesDdl(bench: Bench): Promise<void> {
  const { dialect } = bench.target.driver
  const connection = await bench.connect()
  await dropTables(connection)
  await run(connection, dialect.begin({}))
  await run(connection, 'create table conformance_order (id int primary key)')
  await run(connection, 'rollback')
  const gone = run(connection, 'select * from conformance_order').then(() => false, () => true)
  assert.equal(await gone, dialect.features.transactionalDdl)
  await dropTables(connection)
}

async function abortsAfterError(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await run(connection, bench.target.driver.dialect.begin({}))
  await bench.failure(run(connection, 'select * from conformance_nowhere'))
  assert.equal((await bench.failure(run(connection, 'select 1'))).kind, 'aborted-transaction')
  assert.equal((await run(connection, 'commit')).command, 'ROLLBACK')
}

async function goesOnAfterError(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await makeTables(connection)
  await run(connection, bench.target.driver.dialect.begin({}))
  await run(connection, INSERT)
  await bench.failure(run(connection, 'select * from conformance_nowhere'))
  assert.equal(await people(connection), 3)
  assert.equal((await run(connection, 'commit')).command, 'COMMIT')
  assert.equal(await people(connection), 3)
  await dropTables(connection)
}

async function waitsInTurn(bench: Bench): Promise<void> {
  const [one, other] = [await bench.connect(), await bench.connect()]
  await makeTables(one)
  await run(one, bench.target.driver.dialect.begin({}))
  await run(one, INSERT)
  const counted = people(other)
  await run(one, "insert into conformance_person (id, email) values (8, 'eight@example.org')")
  await run(one, 'commit')
  assert.equal(await counted, 4)
  await dropTables(one)
}

async function waitsForWriter(bench: Bench): Promise<void> {
  const [one, other] = [await bench.connect(), await bench.connect()]
  const { dialect } = bench.target.driver
  await makeTables(one)
  await run(one, dialect.begin({}))
  await run(one, INSERT)
  const second = run(other, "insert into conformance_person (id, email) values (8, 'eight@example.org')")
  await run(one, 'commit')
  assert.equal((await second).rowCount, 1)
  assert.equal(await people(one), 4)
  await dropTables(one)
}

async function overwrites(bench: Bench): Promise<void> {
  const [one, other] = [await bench.connect(), await bench.connect()]
  await makeTables(one)
  await run(one, bench.target.driver.dialect.begin({ isolationLevel: 'repeatable read' }))
  await run(one, 'select * from conformance_person')
  await run(other, "update conformance_person set email = 'other' where id = 1")
  assert.equal((await run(one, "update conformance_person set email = 'one' where id = 1")).rowCount, 1)
  await run(one, 'commit')
  assert.equal(await valueOf(other, 'select email from conformance_person where id = 1'), 'one')
  await dropTables(one)
}

/** Nothing comes back from the server, whose COMMIT the other connection sees; then the line is cut. */
async function losesCommit(bench: Bench): Promise<void> {
  const { settings } = bench.target
  const witness = await bench.connect()
  await makeTables(witness)
  const [host] = witness.server.address === undefined ? settings.target.hosts : [witness.server.address]
  assert.ok(host, 'a networked engine has an address')
  const proxy = await flakyProxy({ target: host })
  try {
    await losesCommitBehind(proxy, bench, witness)
  } finally {
    await proxy.close()
  }
  await dropTables(witness)
}

async function losesCommitBehind(proxy: FlakyProxy, bench: Bench, witness: Connection): Promise<void> {
  const { settings, driver: { dialect } } = bench.target
  const hosts = [{ host: proxy.host, port: proxy.port }]
  const victim = await bench.connect({ target: { ...settings.target, hosts } })
  await run(victim, dialect.begin({}))
  await run(victim, INSERT)
  const { transactionId, transactionFate } = dialect.probes
  const id = transactionId?.read((await victim.query(transactionId.statement)).rows)
  proxy.halfOpen('to-client')
  const committing = bench.failure(run(victim, 'commit'))
  await until(async () => await people(witness) === 3, 'the server to commit')
  proxy.cut()
  const facts = await committing
  assert.equal(facts.connectionLost, true)
  assert.equal(victim.broken, true)
  if (transactionFate && id !== undefined) {
    const probe = transactionFate(id)
    assert.equal(probe.read((await witness.query(probe.statement)).rows), 'committed')
  }
}

async function tellsFate(bench: Bench): Promise<void> {
  const [one, other] = [await bench.connect(), await bench.connect()]
  const { dialect } = bench.target.driver
  const { transactionId, transactionFate } = dialect.probes
  assert.ok(transactionId && transactionFate)
  for (const [end, fate] of [['commit', 'committed'], ['rollback', 'aborted']] as const) {
    await run(one, dialect.begin({}))
    const id = transactionId.read((await one.query(transactionId.statement)).rows)
    const probe = transactionFate(id)
    const ask = async (): Promise<string> => probe.read((await other.query(probe.statement)).rows)
    assert.equal(await ask(), 'in-progress')
    await one.query(statement(end))
    assert.equal(await ask(), fate)
  }
}
