import assert from 'node:assert/strict'
import { statement } from '../../core/statement.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, dropTables, makeTables, run, until, valueOf, type Bench } from './bench.js'

/** The life of a connection. */
export function sessionCases(target: ConformanceTarget): ConformanceCase[] {
  return [
    benchCase(target, 'a connection knows whether it is inside a transaction, also after an error', knowsTransaction),
    benchCase(target, 'the verb of COMMIT tells whether anything was committed', tellsRollback),
    benchCase(target, 'a reset ends a transaction and forgets what the session was told', resets),
    benchCase(target, 'a ping answers, and rejects on a lost connection', pings),
    benchCase(target, 'a closed connection is broken, rejects, and closes again without complaint', closes),
    benchCase(target, 'a destroyed connection rejects what was running', destroys),
    benchCase(target, 'a connection that is lost while idle says so, and nothing else happens', losesIdle),
    benchCase(target, 'the server says what it is', probes),
    ...(target.driver.dialect.probes.transactionId ? [
      benchCase(target, 'the fate of a transaction can be asked', tellsFate),
    ] : []),
  ]
}

async function knowsTransaction(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  if (connection.idle === undefined) return
  assert.equal(connection.idle, true)
  await run(connection, bench.target.driver.dialect.begin({}))
  assert.equal(connection.idle, false)
  await bench.failure(run(connection, 'selec'))
  assert.equal(connection.idle, false)
  await run(connection, 'rollback')
  assert.equal(connection.idle, true)
  await bench.failure(run(connection, 'selec'))
  assert.equal(connection.idle, true)
}

async function tellsRollback(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const { dialect } = bench.target.driver
  await run(connection, dialect.begin({}))
  assert.equal((await run(connection, 'commit')).command, 'COMMIT')
  if (connection.idle === undefined) return
  await run(connection, dialect.begin({}))
  await bench.failure(run(connection, 'select * from conformance_nowhere'))
  const facts = await bench.failure(run(connection, 'select 1'))
  assert.equal(facts.kind, 'aborted-transaction')
  assert.equal((await run(connection, 'commit')).command, 'ROLLBACK')
}

async function resets(bench: Bench): Promise<void> {
  const { sql, driver: { dialect } } = bench.target
  const connection = await bench.connect()
  if (!connection.reset) return
  await makeTables(connection)
  const before = await valueOf(connection, sql.readSession)
  await run(connection, sql.changeSession)
  assert.notDeepEqual(await valueOf(connection, sql.readSession), before)
  const text = `select ${bench.placeholder()} + 1 as value`
  await valueOf(connection, text, [1], true)
  await run(connection, dialect.begin({}))
  await run(connection, 'delete from conformance_person')
  await connection.reset()
  assert.notEqual(connection.idle, false)
  assert.deepEqual(await valueOf(connection, sql.readSession), before)
  assert.equal(Number(await valueOf(connection, 'select count(*) from conformance_person')), 2)
  assert.equal(Number(await valueOf(connection, text, [1], true)), 2)
  await dropTables(connection)
}

async function pings(bench: Bench): Promise<void> {
  const [victim, killer] = [await bench.connect(), await bench.connect()]
  await victim.ping()
  await run(killer, bench.target.sql.terminate(victim.id))
  const facts = await bench.failure((async () => {
    for (;;) await victim.ping()
  })())
  assert.equal(facts.connectionLost, true)
}

async function closes(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  await connection.close()
  assert.equal(connection.broken, true)
  assert.equal((await bench.failure(run(connection, 'select 1'))).connectionLost, true)
  await connection.close()
  connection.destroy()
}

async function destroys(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const running = bench.failure(run(connection, bench.target.sql.sleep))
  connection.destroy()
  connection.destroy()
  assert.equal((await running).connectionLost, true)
  assert.equal(connection.broken, true)
  assert.equal(connection.inFlight, 0)
}

async function losesIdle(bench: Bench): Promise<void> {
  const [victim, killer] = [await bench.connect(), await bench.connect()]
  await run(killer, bench.target.sql.terminate(victim.id))
  await until(() => victim.broken, 'the connection to notice')
  assert.equal((await bench.failure(victim.ping())).connectionLost, true)
}

async function probes(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const { node } = bench.target.driver.dialect.probes
  const facts = node.read((await connection.query(node.statement)).rows)
  assert.ok(facts.role === 'primary' || facts.role === 'replica')
  assert.ok(connection.server.version)
  assert.ok(connection.server.versionNumber > 0)
  assert.ok(connection.id > 0)
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
