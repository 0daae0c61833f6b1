import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)

/** Rows of 1 kB each. */
const WIDE = "select n, repeat('x', 1000) as filler from generate_series(1, $1::int) n"

describe('stream', () => {
  it('gives every row once, in order, whatever the size of the batches', async () => {
    const db = await open()
    for (const batchSize of [1, 7, 100, 1_000]) {
      const seen: number[] = []
      for await (const { n } of db.stream<{ n: number }>('select n from generate_series(1, 250) n', [], { batchSize })) seen.push(n)
      expect(seen).toEqual(Array.from({ length: 250 }, (_, index) => index + 1))
    }
  })

  it('returns the connection when the loop is left early, and it can be used again', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    for await (const row of db.stream(WIDE, [100_000], { batchSize: 10 })) {
      expect(row).toBeDefined()
      break
    }
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, idle: 1 })
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(db.stats().nodes[0]).toMatchObject({ opened: 1, brokenClosed: 0 })
  })

  it('returns the connection when the loop throws', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const error = await errorOf((async () => { for await (const row of db.stream(WIDE, [1_000])) throw new Error(String(row['n'])) })())
    expect(String(error)).toContain('1')
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('returns the connection after an error in the middle of the rows', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const seen: number[] = []
    const error = await errorOf((async () => {
      for await (const { n } of db.stream<{ n: number }>('select n, 1 / (50 - n) as d from generate_series(1, 100) n', [], { batchSize: 10 })) seen.push(n)
    })())
    expect(error).toMatchObject({ code: 'SLUICE_QUERY' })
    expect(seen).toHaveLength(40)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('reads no faster than its consumer: memory holds a batch, not the result', async () => {
    const db = await open({ replicas: [] })
    let largest = 0
    let rows = 0
    const before = process.memoryUsage().heapUsed
    for await (const row of db.stream("select n, repeat('x', 30000) as filler from generate_series(1, 4000) n", [], { batchSize: 5 })) {
      expect(row).toBeDefined()
      if (++rows % 500 === 0) {
        await new Promise((resolve) => { setImmediate(resolve) })
        largest = Math.max(largest, process.memoryUsage().heapUsed - before)
      }
    }
    expect(rows).toBe(4_000)
    // 120 MB went through
    expect(largest).toBeLessThan(60_000_000)
  })

  it('asks the server for a batch only when the last one was read', async () => {
    const db = await open({ replicas: [] })
    await server.admin('create sequence if not exists served')
    await server.admin('grant all on sequence served to public')
    await server.admin("select setval('served', 1, false)")
    const stream = db.stream<{ n: string }>("select nextval('served') as n from generate_series(1, 1000)", [], { batchSize: 10 })[Symbol.asyncIterator]()
    for (let read = 1; read <= 25; read++) await stream.next()
    const [row] = await server.admin('select last_value::int as n from served')
    await stream.return?.()
    expect(row?.['n']).toBe(30)
  })

  it('takes longer than statementTimeoutMs for all rows, as long as no single round trip does', async () => {
    const db = await open({ replicas: [], statementTimeoutMs: 400 })
    const startedAt = performance.now()
    let rows = 0
    for await (const row of db.stream('select pg_sleep(0.01) from generate_series(1, 80)', [], { batchSize: 10 })) {
      expect(row).toBeDefined()
      rows++
    }
    expect(rows).toBe(80)
    expect(performance.now() - startedAt).toBeGreaterThan(600)
    const slow = (async () => { for await (const row of db.stream('select pg_sleep(10)')) expect(row).toBeUndefined() })()
    await expect(slow).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
  })

  it('ends at its own timeoutMs, in the loop of a slow consumer too', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const seen: unknown[] = []
    const error = await errorOf((async () => {
      for await (const row of db.stream('select n from generate_series(1, 100) n', [], { batchSize: 1, timeoutMs: 150 })) {
        seen.push(row)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })())
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(seen.length).toBeGreaterThan(0)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it.each(['timeoutMs', 'signal'])('nobody reads on gives its connection back when its %s ends it', async (limit) => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const controller = new AbortController()
    const rows = db.stream(WIDE, [100_000], { batchSize: 10, ...(limit === 'signal' ? { signal: controller.signal } : { timeoutMs: 200 }) })[Symbol.asyncIterator]()
    await rows.next()
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 1, inFlight: 1 })
    if (limit === 'signal') controller.abort()
    await eventually(() => db.stats().nodes[0]?.inUse === 0)
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(db.stats().nodes[0]).toMatchObject({ inFlight: 0, openConnections: 1 })
    const error = await errorOf((async () => { while (!(await rows.next()).done); })())
    expect(error).toMatchObject({ code: limit === 'signal' ? 'SLUICE_QUERY_CANCELLED' : 'SLUICE_QUERY_TIMEOUT' })
  })

  it('is counted once and told to observers with its rows', async () => {
    const told = new Told()
    const db = await open({ replicas: [], observers: [told] })
    const before = db.stats().primaryQueries
    for await (const row of db.stream('select n from generate_series(1, 30) n', [], { batchSize: 10, name: 'numbers' })) expect(row).toBeDefined()
    expect(db.stats().primaryQueries).toBe(before + 1)
    expect(told.queries.filter((event) => event.name === 'numbers')).toMatchObject([{ rowCount: 30, route: 'read', error: undefined }])
  })

  it('leaves nothing on the server when nobody reads on', async () => {
    const db = await open({ replicas: [], pool: { max: 2 } })
    const stream = db.stream(WIDE, [10_000], { batchSize: 10 })[Symbol.asyncIterator]()
    await stream.next()
    await db.close({ drainMs: 50 })
    await eventually(async () => {
      const rows = await server.admin("select 1 from pg_stat_activity where datname = current_database() and application_name = 'sluice'")
      return rows.length === 0
    })
    const readOn = async () => { for (let left = 20; left > 0; left--) await stream.next() }
    await expect(readOn()).rejects.toBeInstanceOf(SluiceError)
  })
})

describe('stream in a transaction', () => {
  it('refuses a statement asked for in its own loop instead of waiting for itself', async () => {
    const db = await open({ replicas: [] })
    const error = await errorOf(db.transaction(async (tx) => {
      for await (const { n } of tx.stream<{ n: number }>('select n from generate_series(1, 5) n', [], { batchSize: 2 })) await tx.query('select $1::int', [n])
    }))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY', neverSent: true })
    expect(String(error)).toContain('stream')
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('refuses a savepoint and an ambient statement there as well, and lets another connection work', async () => {
    const db = await open({ replicas: [] })
    await db.transaction(async (tx) => {
      for await (const row of db.stream('select n from generate_series(1, 2) n', [], { batchSize: 1 })) {
        expect(row).toBeDefined()
        await expect(db.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_QUERY' })
        await expect(tx.transaction(() => 1)).rejects.toMatchObject({ code: 'SLUICE_QUERY' })
        await expect(db.query('select 1', { ambient: false })).resolves.toMatchObject({ rowCount: 1 })
      }
      await expect(tx.value('select 7')).resolves.toBe(7)
    })
  })

  it('left unread does not keep COMMIT from happening, and says so to whoever reads on', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    await db.execute('create table if not exists kept (n int)')
    let stream: AsyncIterator<unknown> | undefined
    await db.transaction(async (tx) => {
      await tx.execute('insert into kept values (1)')
      stream = tx.stream('select n from generate_series(1, 1000) n', [], { batchSize: 10 })[Symbol.asyncIterator]()
      await stream.next()
    })
    await expect(db.value('select count(*)::int from kept')).resolves.toBe(1)
    const readOn = async () => { for (let left = 20; left > 0; left--) await stream?.next() }
    await expect(readOn()).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_CLOSED' })
  })

  it('left unread does not keep ROLLBACK from happening', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const error = await errorOf(db.transaction(async (tx) => {
      await tx.stream('select n from generate_series(1, 1000) n', [], { batchSize: 10 })[Symbol.asyncIterator]().next()
      throw new Error('changed my mind')
    }))
    expect(error).toEqual(new Error('changed my mind'))
    await expect(db.value('select 1')).resolves.toBe(1)
  })
})
