import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Transaction, TransactionClosedError, TransactionRolledBackError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [primary = '', ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)

beforeAll(async () => {
  await server.admin('create table entry (id int primary key, note text)')
  await server.admin('grant all on all tables in schema public to public')
})
beforeEach(async () => { await server.admin('truncate entry') })

const ids = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)
const insert = 'insert into entry (id) values ($1)'

describe('a transaction', () => {
  it('commits when its callback returns and gives back what it returned', async () => {
    const db = await open()
    const value = await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      expect(tx).toBeInstanceOf(Transaction)
      expect(await ids()).toEqual([])
      return 'done'
    })
    expect(value).toBe('done')
    expect(await ids()).toEqual([1])
  })

  it('rolls back when its callback throws, and throws the same error', async () => {
    const db = await open()
    const mine = new Error('no')
    const error = await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      throw mine
    }))
    expect(error).toBe(mine)
    expect(await ids()).toEqual([])
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, brokenClosed: 0 })
  })

  it.each(['read committed', 'repeatable read', 'serializable'] as const)('really runs at %s', async (isolationLevel) => {
    const db = await open()
    await db.transaction(async (tx) => {
      await expect(tx.value("select current_setting('transaction_isolation')")).resolves.toBe(isolationLevel)
    }, { isolationLevel })
  })

  it('refuses an unknown isolation level before anything leaves', async () => {
    const db = await open()
    const wrong = { isolationLevel: 'chaos; drop table entry' } as unknown as { isolationLevel: 'serializable' }
    await expect(db.transaction(() => 1, wrong)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' })
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0 })
  })

  it('that is readOnly runs on a replica and is held to it by the server', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      expect(replicas).toContain(tx.node)
      await expect(tx.query('select 1')).resolves.toMatchObject({ route: 'transaction', node: tx.node })
    }, { readOnly: true })
    const error = await errorOf(db.transaction((tx) => tx.execute(insert, [1]), { readOnly: true }))
    expect(error).toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
    await expect(db.transaction((tx) => tx.execute(insert, [1]), { readOnly: true, target: 'primary' }))
      .rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE', node: primary })
  })

  it('that is readOnly cannot be made writable', async () => {
    const db = await open()
    for (const text of ['set local transaction_read_only = off', 'set transaction read  write', "select set_config('transaction_read_only', 'off', true)"]) {
      const error = await errorOf(db.transaction(async (tx) => {
        await tx.query(text)
        await tx.execute(insert, [1])
      }, { readOnly: true, target: 'primary' }))
      expect(error).toMatchObject({ code: 'SLUICE_SESSION_STATEMENT' })
    }
    await db.transaction((tx) => tx.execute('set local transaction_read_only = off'))
  })

  it('that is readOnly and serializable runs on the primary, since replicas refuse that', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      expect(tx.node).toBe(primary)
      await tx.query('select 1')
    }, { readOnly: true, isolationLevel: 'serializable', deferrable: true })
  })

  it('is refused where a COMMIT would quietly roll back: an error in it was swallowed', async () => {
    const db = await open()
    const error = await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      await tx.execute(insert, [1]).catch(() => undefined)
      return 'pretends that all is well'
    }))
    expect(error).toBeInstanceOf(TransactionRolledBackError)
    expect((error as TransactionRolledBackError).hint).toContain('swallowed')
    const read = await errorOf(db.transaction(async (tx) => { await tx.query('select 1 / 0').catch(() => undefined) }))
    expect(read).toBeInstanceOf(TransactionRolledBackError)
    expect(await ids()).toEqual([])
  })

  it('says what a deferred constraint found at COMMIT', async () => {
    const db = await open()
    await db.execute('create table if not exists later (id int, unique (id) deferrable initially deferred)')
    const error = await errorOf(db.transaction(async (tx) => { await tx.execute('insert into later values (1), (1)') }))
    expect(error).toMatchObject({ code: 'SLUICE_CONSTRAINT', kind: 'unique' })
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('refuses every use after it has ended', async () => {
    const db = await open()
    let leaked: Transaction | undefined
    await db.transaction((tx) => { leaked = tx })
    const tx = leaked as unknown as Transaction
    expect(tx.state).toBe('committed')
    for (const use of [
      () => tx.query('select 1'), () => tx.execute(insert, [1]), () => tx.batch(['select 1']), () => tx.commit(), () => tx.rollback(),
      () => tx.transaction(() => 1), () => tx.stream('select 1')[Symbol.asyncIterator]().next(),
      async () => { await Promise.resolve(); tx.afterCommit(() => undefined) },
    ]) await expect(use()).rejects.toBeInstanceOf(TransactionClosedError)
  })

  it('waits for a statement that its callback did not await', async () => {
    const db = await open()
    await db.transaction((tx) => {
      void tx.execute(insert, [1])
      void tx.execute(insert, [2])
    })
    expect(await ids()).toEqual([1, 2])
  })

  it('runs the statements of a Promise.all one after another, in order and without a warning', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => { warnings.push(warning) }
    process.on('warning', onWarning)
    try {
      const db = await open()
      await db.transaction(async (tx) => {
        const results = await Promise.all(Array.from({ length: 30 }, (_, id) => tx.execute(insert, [id])))
        expect(results).toHaveLength(30)
      })
      await new Promise((resolve) => { setImmediate(resolve) })
    } finally {
      process.off('warning', onWarning)
    }
    expect(await ids()).toHaveLength(30)
    expect(warnings).toEqual([])
  })

  it('a statement in the line behind a slow one hears of its own timeout in time', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      const slow = tx.query('select pg_sleep(0.6)')
      const startedAt = performance.now()
      await expect(tx.query('select 1', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT', neverSent: true })
      expect(performance.now() - startedAt).toBeLessThan(400)
      await slow
      await expect(tx.value('select 5')).resolves.toBe(5)
    })
  })

  it('tells observers how it ended, under its name', async () => {
    const told = new Told()
    const db = await open({ observers: [told] })
    await db.transaction((tx) => tx.query('select 1'), { name: 'peek' })
    await errorOf(db.transaction(() => { throw new Error('x') }, { name: 'fail' }))
    expect(told.transactions).toMatchObject([
      { name: 'peek', outcome: 'committed', retries: 0, node: primary }, { name: 'fail', outcome: 'rolled-back', retries: 0, node: primary },
    ])
  })
})

describe('begin', () => {
  it('is committed by hand', async () => {
    const db = await open()
    const tx = await db.begin({ isolationLevel: 'repeatable read' })
    await tx.execute(insert, [1])
    await tx.commit()
    expect(await ids()).toEqual([1])
    expect(tx.state).toBe('committed')
  })

  it('is rolled back when dropped without commit', async () => {
    const db = await open({ pool: { max: 1 } })
    await (async () => {
      await using tx = await db.begin()
      await tx.execute(insert, [1])
    })()
    expect(await ids()).toEqual([])
    await expect(db.primary.value('select 1')).resolves.toBe(1)
  })

  it('is not ambient', async () => {
    const db = await open()
    await using tx = await db.begin()
    await tx.execute(insert, [1])
    await expect(db.primary.value('select count(*)::int from entry')).resolves.toBe(0)
  })

  it('is rolled back at its timeoutMs, also when nobody uses it any more', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const tx = await db.begin({ timeoutMs: 60 })
    await tx.execute(insert, [1])
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(tx.state).toBe('rolled-back')
    expect(await ids()).toEqual([])
  })

  it('is rolled back when its signal aborts', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const abort = new AbortController()
    const tx = await db.begin({ signal: abort.signal })
    await tx.execute(insert, [1])
    abort.abort(new Error('over'))
    await expect(db.value('select 1')).resolves.toBe(1)
    await expect(tx.query('select 1')).rejects.toBeInstanceOf(TransactionClosedError)
    expect(await ids()).toEqual([])
  })
})

describe('an ambient transaction', () => {
  it('is joined by every call of its database, whatever its target', async () => {
    const db = await open()
    await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      const seen = async (face: Pick<typeof db, 'value'>): Promise<void> => {
        await expect(face.value('select count(*)::int from entry')).resolves.toBe(1)
      }
      await seen(db)
      await seen(db.primary)
      await seen(db.replica)
      await seen(db.with({ target: 'replica' }))
      await expect(db.query('select 1', { target: 'replica' })).resolves.toMatchObject({ route: 'transaction', node: primary })
      const [, counted] = await db.batch([[insert, [2]], 'select count(*)::int as n from entry'])
      expect(counted?.rows).toEqual([{ n: 2 }])
      const streamed: unknown[] = []
      for await (const row of db.stream('select id from entry order by id')) streamed.push(row)
      expect(streamed).toEqual([{ id: 1 }, { id: 2 }])
      throw new Error('undo')
    }))
    expect(await ids()).toEqual([])
  })

  it('is left with ambient: false, per call and per face', async () => {
    const db = await open()
    await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      await db.execute(insert, [2], { ambient: false })
      await db.with({ ambient: false }).execute(insert, [3])
      await db.transaction((own) => own.execute(insert, [4]), { ambient: false })
      throw new Error('undo')
    }))
    expect(await ids()).toEqual([2, 3, 4])
  })

  it('does not reach into another database', async () => {
    const [db, other] = [await open(), await open()]
    await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      await other.execute(insert, [2])
      await other.transaction(async () => { await db.execute(insert, [3]) })
      throw new Error('undo')
    }))
    expect(await ids()).toEqual([2])
  })

  it('does not hold for work that goes on after it has ended', async () => {
    const db = await open()
    let late: Promise<unknown> | undefined
    await db.transaction(() => {
      late = new Promise((resolve) => setTimeout(resolve, 30)).then(() => db.query('select 1'))
      late.catch(() => undefined)
    })
    await expect(late).rejects.toBeInstanceOf(TransactionClosedError)
  })
})

describe('session state', () => {
  const pool = { max: 1 }

  it('set in a transaction does not reach the next borrower', async () => {
    const db = await open({ replicas: [], pool })
    await db.transaction(async (tx) => {
      await tx.query("set application_name = 'mine'")
      await tx.query('create temp table scratch (a int)')
      await tx.query('select pg_advisory_lock(77)')
    })
    await expect(db.value("select count(*)::int from pg_stat_activity where application_name = 'mine'")).resolves.toBe(0)
    await expect(db.query('select * from scratch')).rejects.toMatchObject({ code: 'SLUICE_QUERY' })
    expect(await server.admin("select * from pg_locks where locktype = 'advisory' and objid = 77")).toEqual([])
  })

  it('set in a transaction beside a SET LOCAL, in one text, does not reach the next borrower', async () => {
    const db = await open({ replicas: [], pool })
    await db.transaction((tx) => tx.query("set local work_mem = '5MB'; set statement_timeout = '77s'"))
    await expect(db.value("select setting from pg_settings where name = 'statement_timeout'")).resolves.toBe('0')
  })

  it('set on a lent connection is there for its callback and gone after it', async () => {
    const db = await open({ replicas: [], pool })
    await db.connection(async (connection) => {
      await connection.query('create temp table scratch (a int)')
      await connection.query('insert into scratch values (1)')
      await connection.query('select pg_advisory_lock(78)')
      await connection.query("set search_path = 'nowhere'")
      await expect(connection.value('select a from scratch')).resolves.toBe(1)
      expect(connection.id).toBe(await connection.value('select pg_backend_pid()'))
    })
    await expect(db.query('select * from scratch')).rejects.toMatchObject({ code: 'SLUICE_QUERY' })
    await expect(db.value('select count(*)::int from entry')).resolves.toBe(0)
    expect(await server.admin("select * from pg_locks where locktype = 'advisory' and objid = 78")).toEqual([])
  })

  it('set on a lent connection by what no one can see in the text is gone as well', async () => {
    await server.admin(`create or replace function sneaky() returns void language plpgsql as
      'begin perform set_config(''application_name'', ''sneaky'', false); end'`)
    const db = await open({ replicas: [], pool })
    const named = 'select count(*)::int from pg_stat_activity where application_name = $1'
    await db.connection(async (connection) => {
      await connection.query('select sneaky()')
      await expect(connection.value(named, ['sneaky'])).resolves.toBe(1)
    })
    await expect(db.value(named, ['sneaky'])).resolves.toBe(0)
  })

  it('a lent connection left inside a transaction comes back clean', async () => {
    const db = await open({ replicas: [], pool })
    await db.connection(async (connection) => {
      await connection.query('begin')
      await connection.query(insert, [5])
    })
    expect(await ids()).toEqual([])
    await expect(db.value('select 1')).resolves.toBe(1)
    await db.connection(async (connection) => { await connection.batch([[insert, [6]], [insert, [7]]]) })
    expect(await ids()).toEqual([6, 7])
  })

  it('a lent connection refuses use after its callback', async () => {
    const db = await open({ replicas: [], pool })
    let leaked: { query(sql: string): Promise<unknown> } | undefined
    await db.connection((connection) => { leaked = connection })
    await expect(leaked?.query('select 1')).rejects.toBeInstanceOf(TransactionClosedError)
  })

  it('a lent connection of a replica is one', async () => {
    const db = await open()
    await db.connection((connection) => { expect(replicas).toContain(connection.node) }, { target: 'replica' })
  })
})

describe('a wait that could never end', () => {
  const opened: (() => void)[] = []
  afterEach(() => { for (const done of opened.splice(0)) done() })

  it('is refused at once: a transaction that asks a pool of one for another connection', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const startedAt = performance.now()
    await db.transaction(async (tx) => {
      await expect(db.query('select 1', { ambient: false })).rejects.toMatchObject({ code: 'SLUICE_POOL_DEADLOCK', neverSent: true })
      await expect(db.begin()).rejects.toMatchObject({ code: 'SLUICE_POOL_DEADLOCK' })
      await expect(tx.value('select 1')).resolves.toBe(1)
    })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  it('is refused at once on a lent connection too', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    await db.connection(async () => {
      await expect(db.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_POOL_DEADLOCK' })
    })
  })

  it('is refused for the last of two transactions on a pool of two, and the other one goes on', async () => {
    const db = await open({ replicas: [], pool: { max: 2 } })
    let begun = 0
    let both: () => void = () => undefined
    const bothBegun = new Promise<void>((resolve) => { both = resolve })
    const nested = () => db.transaction(async () => {
      if (++begun === 2) both()
      await bothBegun
      return db.value('select 1', { ambient: false })
    })
    const startedAt = performance.now()
    const results = await Promise.allSettled([nested(), nested()])
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = results.find((result) => result.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: 'SLUICE_POOL_DEADLOCK' })
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, waiting: 0 })
  })
})
