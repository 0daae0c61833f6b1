import assert from 'node:assert/strict'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, dropTables, given, makeTables, run, until, valueOf, type Bench } from './bench.js'

/** The life of a connection. */
export function sessionCases(target: ConformanceTarget): ConformanceCase[] {
  const { features } = target.driver.dialect
  return [
    benchCase(target, 'a connection knows whether it is inside a transaction, also after an error', knowsTransaction),
    benchCase(target, 'a reset ends a transaction and forgets what the session was told', resets),
    benchCase(target, 'a ping answers', async (bench) => {
      const connection = await bench.connect()
      await connection.ping()
      assert.equal(connection.inFlight, 0)
    }),
    benchCase(target, 'a closed connection is broken, rejects, and closes again without complaint', closes),
    benchCase(target, 'a destroyed connection is broken and rejects', destroysIdle),
    ...(features.cancel ? [benchCase(target, 'a destroyed connection rejects what was running', destroys)] : []),
    ...(features.embedded ? [] : [
      benchCase(target, 'a ping rejects on a lost connection', pings),
      benchCase(target, 'a connection that is lost while idle says so, and nothing else happens', losesIdle),
    ]),
    benchCase(target, 'the server says what it is', probes),
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
  await bench.terminate(victim, killer)
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
  const running = bench.failure(run(connection, given(bench.target.sql.sleep, 'sleep')))
  connection.destroy()
  connection.destroy()
  assert.equal((await running).connectionLost, true)
  assert.equal(connection.broken, true)
  assert.equal(connection.inFlight, 0)
}

async function destroysIdle(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  connection.destroy()
  assert.equal(connection.broken, true)
  assert.equal((await bench.failure(run(connection, 'select 1'))).connectionLost, true)
  assert.equal(Number(await valueOf(await bench.connect(), 'select 1')), 1)
}

async function losesIdle(bench: Bench): Promise<void> {
  const [victim, killer] = [await bench.connect(), await bench.connect()]
  await bench.terminate(victim, killer)
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
