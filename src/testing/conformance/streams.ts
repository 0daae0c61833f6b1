import assert from 'node:assert/strict'
import type { Connection } from '../../core/driver.js'
import { statement } from '../../core/statement.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'
import { benchCase, series, valueOf, type Bench } from './bench.js'

/** Rows in batches. */
export function streamCases(target: ConformanceTarget): ConformanceCase[] {
  return [
    benchCase(target, 'a stream gives every row once, in batches of the wanted size', streamsAll),
    benchCase(target, 'a stream whose rows fill the batches exactly ends', async (bench) => {
      assert.deepEqual(await batchSizes(await bench.connect(), series(200), 100), [100, 100])
    }),
    benchCase(target, 'a stream without rows ends', async (bench) => {
      assert.deepEqual(await batchSizes(await bench.connect(), 'select 1 as n where 1 = 0', 10), [])
    }),
    benchCase(target, 'a stream that is left early leaves the connection usable', stopsEarly),
    benchCase(target, 'a stream whose consumer throws leaves the connection usable', survivesConsumer),
    benchCase(target, 'a stream that fails at once, or half-way, rejects and leaves the connection usable', fails),
    ...(target.driver.dialect.features.embedded ? [] : [benchCase(target, 'a stream whose connection is lost rejects', loses)]),
  ]
}

function batches(connection: Connection, text: string, batchSize: number): AsyncIterable<Record<string, unknown>[]> {
  const rows = connection.stream?.(statement(text), { batchSize })
  assert.ok(rows, 'the dialect says that the driver streams')
  return rows
}

async function batchSizes(connection: Connection, text: string, batchSize: number): Promise<number[]> {
  const sizes: number[] = []
  for await (const rows of batches(connection, text, batchSize)) sizes.push(rows.length)
  return sizes
}

async function usable(connection: Connection): Promise<void> {
  assert.equal(connection.inFlight, 0)
  assert.equal(connection.broken, false)
  assert.notEqual(connection.idle, false)
  assert.equal(Number(await valueOf(connection, 'select 42')), 42)
}

async function streamsAll(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const numbers: number[] = []
  for await (const rows of batches(connection, `${series(250)} order by n`, 100)) {
    assert.ok(rows.length <= 100)
    numbers.push(...rows.map((row) => Number(row['n'])))
  }
  assert.deepEqual(numbers, Array.from({ length: 250 }, (_, index) => index + 1))
  await usable(connection)
}

async function stopsEarly(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  for await (const rows of batches(connection, series(900), 10)) {
    assert.equal(rows.length, 10)
    assert.equal(connection.inFlight, 1)
    break
  }
  await usable(connection)
}

async function survivesConsumer(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const broken = new Error('the consumer broke')
  await assert.rejects(async () => {
    for await (const rows of batches(connection, series(900), 10)) if (rows.length > 0) throw broken
  }, broken)
  await usable(connection)
}

async function fails(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  assert.equal((await bench.failure(batchSizes(connection, 'select * from conformance_nowhere', 10))).kind, 'unknown-object')
  await usable(connection)
  const facts = await bench.failure(batchSizes(connection, bench.target.sql.failsHalfway, 10))
  assert.ok(facts.serverCode)
  assert.equal(facts.connectionLost, false)
  await usable(connection)
}

/** More rows than sockets hold on their way: what has arrived before the loss may still be read. */
const MANY_ROWS = `select a.n from (${series(900)}) a cross join (${series(900)}) b`

async function loses(bench: Bench): Promise<void> {
  const [victim, killer] = [await bench.connect(), await bench.connect()]
  let read = 0
  const facts = await bench.failure((async () => {
    for await (const rows of batches(victim, MANY_ROWS, 100)) {
      assert.equal(rows.length, 100)
      if (++read === 1) await bench.terminate(victim, killer)
    }
  })())
  assert.equal(facts.connectionLost, true)
  assert.equal(victim.broken, true)
  assert.equal(victim.inFlight, 0)
}
