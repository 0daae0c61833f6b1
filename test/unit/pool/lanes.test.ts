import { describe, expect, it } from 'vitest'
import { UNLIMITED, type Limits } from '../../../src/core/deadline.js'
import { ConnectionError, QueryCancelledError, QueryError, QueryTimeoutError } from '../../../src/core/errors.js'
import { errorFromFacts } from '../../../src/core/explain.js'
import type { DriverResult } from '../../../src/core/result.js'
import type { PoolSettings } from '../../../src/core/settings.js'
import { statement } from '../../../src/core/statement.js'
import { MOVED } from '../../../src/pool/lane.js'
import { Lanes } from '../../../src/pool/lanes.js'
import { StatementTimes } from '../../../src/pool/statement-times.js'
import { fakeError, fakeResult, hang, type FakeServer } from '../../../src/testing/fake-driver.js'
import { eventually, fake, gate, rejection, request, rig, settled, turn, until, within, type Rig } from './support.js'

const QUICK = 'select quick'

interface LaneRig extends Rig {
  readonly lanes: Lanes
  /** Runs on a lane; fails when no lane takes it. */
  run(text?: string, limits?: Limits): Promise<DriverResult | typeof MOVED>
}

/** Lanes over a fake server, with `texts` known to be quick and one lane open. */
async function lanesRig(settings: Partial<PoolSettings> = {}, texts: readonly string[] = [QUICK]): Promise<LaneRig> {
  const made = rig({ max: 3, lanes: 1, ...settings })
  const { server, pool } = made
  const lanes = new Lanes({
    name: 'primary', pool, max: () => pool.settings.lanes,
    explain: (cause, sql) => errorFromFacts(explain(server, cause), cause, { sql }),
  })
  for (const text of texts) for (let i = 0; i < 3; i++) lanes.observe(text, 0.1)
  const run: LaneRig['run'] = (text = QUICK, limits = UNLIMITED) => {
    const answer = lanes.run<Record<string, unknown>>(statement(text), limits)
    if (!answer) throw new Error('no lane took it')
    return answer
  }
  if (pool.settings.lanes > 0) {
    expect(lanes.run(statement(texts[0] ?? QUICK), UNLIMITED)).toBeUndefined() // the way to the server is measured first
    await eventually(() => { expect(lanes.count).toBe(1) })
  }
  return { ...made, lanes, run }
}

function explain(server: FakeServer, cause: unknown) {
  return server.driver.dialect.describeError(cause)
}

describe('lanes', () => {
  it('take only statements known to be quick', async () => {
    const { lanes } = await lanesRig()
    expect(lanes.run(statement('select never seen'), UNLIMITED)).toBeUndefined()
    for (let i = 0; i < 3; i++) lanes.observe('select slow', 40)
    expect(lanes.run(statement('select slow'), UNLIMITED)).toBeUndefined()
    expect(lanes.run(statement(QUICK), UNLIMITED)).toBeDefined()
  })

  it('share one connection among many statements and answer each with its own rows', async () => {
    const { server, run } = await lanesRig()
    let n = 0
    server.respond(QUICK, () => fakeResult([{ n: n++ }]))
    const answers = await Promise.all(Array.from({ length: 100 }, () => run()))
    expect(answers.map((answer) => answer === MOVED ? 'moved' : answer.rows[0]?.['n'])).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(server.connections).toHaveLength(1)
  })

  it('are off with lanes: 0, and count inside max', async () => {
    const { lanes, pool } = await lanesRig({ lanes: 0 })
    expect(lanes.run(statement(QUICK), UNLIMITED)).toBeUndefined()
    await turn()
    expect([lanes.count, pool.stats().openConnections]).toEqual([0, 0])
  })

  it('keep the error of one statement from its neighbours', async () => {
    const { server, run, lanes } = await lanesRig({}, [QUICK, 'select bad'])
    server.respond('select bad', () => { throw fakeError('data', 'bad input') })
    const [before, bad, after] = [run(), run('select bad'), run()]
    await expect(bad).rejects.toBeInstanceOf(QueryError)
    expect(await before).not.toBe(MOVED)
    expect(await after).not.toBe(MOVED)
    expect(lanes.count).toBe(1)
  })

  it('move the others when one holds them up, and go on when it has ended', async () => {
    const { server, run } = await lanesRig({}, [QUICK, 'select surprise'])
    const { promise, open } = gate()
    server.respond('select surprise', async () => { await promise; return fakeResult([{ late: true }]) })
    const surprise = run('select surprise')
    const behind = [run(), run()]
    expect(await Promise.all(behind)).toEqual([MOVED, MOVED])
    expect(await settled(surprise)).toBe(false)
    open()
    expect(await surprise).toMatchObject({ rows: [{ late: true }] })
    expect(await run()).not.toBe(MOVED)
  })

  it('cancel a statement whose time is over on the server, move its neighbours and never lend that connection again', async () => {
    const { server, run, lanes, pool } = await lanesRig({}, [QUICK, 'select stuck'])
    server.respond('select stuck', hang)
    const stuck = run('select stuck', within(30))
    const behind = run()
    const error = await rejection(stuck, QueryTimeoutError)
    expect(error.connectionLost).toBe(false)
    expect(await behind).toBe(MOVED)
    await eventually(() => { expect(lanes.count).toBe(0) })
    expect(server.connections[0]).toMatchObject({ cancels: 1, ended: 'destroyed' })
    expect(pool.stats().inUse).toBe(0)
  })

  it.each(['ignored', 'hangs'] as const)('drop a connection whose statement goes on after a cancel that is %s', async (cancelling) => {
    const { server, run, lanes, pool } = await lanesRig({}, [QUICK, 'select stuck'])
    server.cancelling = cancelling
    server.respond('select stuck', hang)
    await rejection(run('select stuck', within(30)), QueryTimeoutError)
    await eventually(() => { expect(lanes.count).toBe(0) })
    expect(server.connections[0]).toMatchObject({ cancels: 1, ended: 'destroyed' })
    expect(pool.stats().inUse).toBe(0)
  })

  it('run a neighbour again that a cancel has hit', async () => {
    const { server, run } = await lanesRig({}, [QUICK, 'select stuck'])
    server.cancelling = 'late'
    const { promise, open } = gate()
    server.respond('select stuck', async () => { await promise; return fakeResult() })
    server.respond(QUICK, hang)
    const stuck = run('select stuck', within(25))
    const neighbour = run()
    await rejection(stuck, QueryTimeoutError)
    open()
    await turn()
    server.connections[0]?.hitLate()
    expect(await neighbour).toBe(MOVED)
  })

  it('let go of a caller that aborts while others are in front, without a cancel', async () => {
    const { server, run } = await lanesRig({}, [QUICK, 'select front'])
    const { promise, open } = gate()
    server.respond('select front', async () => { await promise; return fakeResult() })
    const abort = new AbortController()
    const front = run('select front')
    const aborted = run(QUICK, until(abort.signal))
    abort.abort()
    await rejection(aborted, QueryCancelledError)
    open()
    await front
    expect(server.connections[0]?.cancels).toBe(0)
  })

  it('tell every statement when the connection is lost, and open a new lane', async () => {
    const { server, run, lanes } = await lanesRig()
    server.respond(QUICK, hang)
    const lost = [run(), run()]
    server.crash()
    for (const one of lost) expect((await rejection(one, ConnectionError)).connectionLost).toBe(true)
    server.respond(QUICK, () => fakeResult())
    await eventually(() => { expect(lanes.count).toBe(0) })
    expect(lanes.run(statement(QUICK), UNLIMITED)).toBeUndefined()
    await eventually(() => { expect(lanes.count).toBe(1) })
    expect(await run()).not.toBe(MOVED)
  })

  it('give their connection to a caller that waits for an exclusive loan, also with max: 1', async () => {
    const { pool, lanes } = await lanesRig({ max: 1 })
    expect(pool.stats().openConnections).toBe(1)
    const loan = await pool.acquire(request())
    expect(lanes.count).toBe(0)
    expect(fake(loan.connection).pipelined).toBe(false)
    loan.release()
  })

  it('give their connection back when nobody uses them', async () => {
    const { lanes, pool, run } = await lanesRig()
    await run()
    expect(lanes.resting).toBe(1)
    await eventually(() => { expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 }) })
    expect(lanes.count).toBe(0)
  })

  it('end with close, after the statements under way', async () => {
    const { server, lanes, pool, run } = await lanesRig()
    const { promise, open } = gate()
    server.respond(QUICK, async () => { await promise; return fakeResult() })
    const last = run()
    lanes.close()
    const closed = pool.close({ drainMs: 1_000 })
    open()
    expect(await last).not.toBe(MOVED)
    await closed
    expect(server.open).toHaveLength(0)
    expect(lanes.run(statement(QUICK), UNLIMITED)).toBeUndefined()
  })
})

describe('statement times', () => {
  const alone = (times: StatementTimes, text: string, ...runs: number[]) => { for (const ms of runs) times.observeAlone(text, ms) }

  it('count what is unknown as slow until three runs, one of them quick', () => {
    const times = new StatementTimes()
    const verdicts = [5, 0.2, 7].map((ms) => { alone(times, 'a', ms); return times.isQuick('a') })
    expect(verdicts).toEqual([false, false, true])
    alone(times, 'b', 5, 5, 5)
    expect(times.isQuick('b')).toBe(false)
  })

  it('do not blame a statement for the way to a distant server', () => {
    const times = new StatementTimes()
    times.roundTripMs = 30
    alone(times, 'near', 30.4, 31, 30.2)
    alone(times, 'work', 34, 34, 34)
    expect([times.isQuick('near'), times.isQuick('work')]).toEqual([true, false])
  })

  it('forgive a stall on a lane, not a habit', () => {
    const times = new StatementTimes()
    alone(times, 'a', 0.2, 0.2, 0.2)
    times.observeShared('a', 60)
    expect(times.isQuick('a')).toBe(true)
    for (let i = 0; i < 5; i++) times.observeShared('a', 60)
    expect(times.isQuick('a')).toBe(false)
  })

  it('remember a bounded number of texts', () => {
    const times = new StatementTimes()
    for (let i = 0; i < 5_000; i++) alone(times, `select ${String(i)}`, 0.1)
    expect([times.samples('select 0'), times.samples('select 4999')]).toEqual([0, 1])
  })
})
