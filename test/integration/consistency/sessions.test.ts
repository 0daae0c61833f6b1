import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, type Database } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener } from '../database/open.js'
import { ownCluster } from './replay.js'

const server = await ownCluster()
const open = opener(server)
const [primary = '', ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)
const pause = (...indexes: number[]): Promise<unknown> => Promise.all(indexes.map((index) => server.cluster.node(index + 1).pauseReplay()))
const resume = (...indexes: number[]): Promise<unknown> => Promise.all(indexes.map((index) => server.cluster.node(index + 1).resumeReplay()))

const insert = 'insert into entry (id) values ($1)'
const count = 'select count(*)::int from entry'
/** Long enough that a slow machine is not taken for a replica that lags. */
const PATIENT = { consistency: { causalReadsTimeoutMs: 20_000 } } as const

beforeAll(async () => {
  await server.admin('create table entry (id int primary key, n int not null default 0)')
  await server.admin('create table other (id int)')
  await server.admin('grant all on all tables in schema public to public')
  await server.admin("create function add_entry(id int) returns int language sql as 'insert into entry values ($1) returning id'")
})
beforeEach(async () => {
  await server.admin('truncate entry, other')
  await server.waitForReplay()
})
afterEach(async () => {
  await resume(0, 1)
})

/** Node and route of a read, and what it counted. */
async function read(db: Database, options: object = {}): Promise<{ n: number | undefined; node: string; route: string }> {
  const { rows, node, route } = await db.query<{ count: number }>(count, options)
  return { n: rows[0]?.count, node, route }
}

describe('a session', () => {
  it('sees its own writes, from replicas that have caught up', async () => {
    const db = await open(PATIENT)
    await db.session(async () => {
      for (let id = 1; id <= 20; id++) {
        await db.execute(insert, [id])
        const { n, node, route } = await read(db)
        expect({ n, route }).toEqual({ n: id, route: 'read' })
        expect(replicas).toContain(node)
      }
    })
  })

  it('goes past the query cache, whose rows may be older than what it has seen', async () => {
    const [db, elsewhere] = [await open({ ...PATIENT, cache: { ttlMs: 60_000 } }), await open()]
    const cachedCount = async (): Promise<unknown> => (await db.query(count, [], { cache: true })).rows
    expect(await cachedCount()).toEqual([{ count: 0 }])
    const token = await elsewhere.session(async () => {
      await elsewhere.execute(insert, [1])
      return elsewhere.causalToken()
    })
    expect(await cachedCount()).toEqual([{ count: 0 }])
    expect(await db.session(cachedCount, { token })).toEqual([{ count: 1 }])
  })

  it('sees what it wrote in transactions, batches, streams, lent connections and functions', async () => {
    const db = await open(PATIENT)
    const writes: (() => Promise<unknown>)[] = [
      () => db.transaction((tx) => tx.execute(insert, [1])),
      () => db.batch([[insert, [2]], [insert, [3]]]),
      async () => { for await (const row of db.stream('insert into entry (id) values (4) returning id')) expect(row).toEqual({ id: 4 }) },
      () => db.connection((connection) => connection.execute(insert, [5])),
      () => db.connection(async (connection) => {
        await connection.query('begin')
        await connection.query(insert, [6])
        await connection.query('savepoint here')
        await connection.query('commit')
      }),
      () => db.value('select add_entry(7)'),
      () => db.query('with new as (insert into entry (id) values (8) returning id) select id from new'),
    ]
    const seen: unknown[] = []
    await db.session(async () => {
      for (const write of writes) {
        await write()
        const { n, route } = await read(db)
        seen.push([n, route])
      }
    })
    expect(seen).toEqual([1, 3, 4, 5, 6, 7, 8].map((n) => [n, 'read']))
  })

  it('in a read-only transaction, a batch of reads, a stream and a connection to a replica, too', async () => {
    const db = await open(PATIENT)
    await db.session(async () => {
      await db.execute(insert, [1])
      await db.transaction(async (tx) => {
        expect(replicas).toContain(tx.node)
        expect(await tx.value(count)).toBe(1)
      }, { readOnly: true })
      await db.execute(insert, [2])
      const [answer] = await db.batch([count])
      expect(answer?.rows).toEqual([{ count: 2 }])
      await db.execute(insert, [3])
      for await (const row of db.stream(count)) expect(row).toEqual({ count: 3 })
      await db.execute(insert, [4])
      expect(await db.connection((connection) => connection.value(count), { target: 'replica' })).toBe(4)
      await db.execute(insert, [5])
      await expect(read(db, { target: 'replica' })).resolves.toMatchObject({ n: 5, route: 'forced' })
    })
  })

  it('goes to the primary when no replica catches up in time, and says so', async () => {
    const db = await open({ consistency: { causalReadsTimeoutMs: 30 } })
    await pause(0, 1)
    await db.session(async () => {
      await db.execute(insert, [1])
      await expect(read(db)).resolves.toEqual({ n: 1, node: primary, route: 'causal' })
      expect(db.explainRoute(count)).toMatchObject({ role: 'primary', route: 'causal', node: primary })
      await db.transaction(async (tx) => { expect(tx.node).toBe(primary) }, { readOnly: true })
    })
  })

  it('uses the one replica that has caught up while another stands still', async () => {
    const db = await open(PATIENT)
    await pause(0)
    await db.session(async () => {
      for (let id = 1; id <= 10; id++) {
        await db.execute(insert, [id])
        await expect(read(db)).resolves.toEqual({ n: id, node: replicas[1], route: 'read' })
      }
    })
  })

  it('never goes back: what one replica has shown, the other must have, too', async () => {
    const db = await open({ consistency: { causalReadsTimeoutMs: 20_000 }, routing: { strategy: 'round-robin' } })
    await pause(0)
    await server.admin('insert into entry (id) values (1)')
    await eventually(async () => (await read(db, { target: 'replica' })).n === 1)
    await db.session(async () => {
      // whichever comes first: as soon as the new state was seen, the old one is not shown any more
      let highest = 0
      for (let turn = 0; turn < 12; turn++) {
        const { n = 0 } = await read(db)
        expect(n).toBeGreaterThanOrEqual(highest)
        highest = n
      }
      expect(highest).toBe(1)
    })
  })

  it('that has read on the primary does not go back to an older replica', async () => {
    const db = await open({ consistency: { causalReadsTimeoutMs: 30 } })
    await pause(0, 1)
    await server.admin('insert into entry (id) values (1)')
    await db.session(async () => {
      await expect(read(db, { target: 'primary' })).resolves.toMatchObject({ n: 1 })
      await expect(read(db)).resolves.toMatchObject({ n: 1, node: primary, route: 'causal' })
    })
    await db.session(async () => {
      await errorOf(db.transaction(async (tx) => {
        expect(await tx.value(count)).toBe(1)
        throw new Error('undone')
      }))
      await expect(read(db)).resolves.toMatchObject({ n: 1, node: primary })
    })
  })

  it('inside another one sees what that has written, and passes on what it writes', async () => {
    const db = await open(PATIENT)
    await db.session(async () => {
      await db.execute(insert, [1])
      await db.session(async () => {
        expect((await read(db)).n).toBe(1)
        await db.execute(insert, [2])
      })
      expect((await read(db)).n).toBe(2)
    })
  })

  it('of another one is not waited for: sessions are apart, also side by side', async () => {
    const db = await open({ consistency: { causalReadsTimeoutMs: 30 } })
    await pause(0, 1)
    await db.session(() => db.execute(insert, [1]))
    await db.session(async () => { await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' }) })
  })

  it("is no session at all with causalReads 'off'", async () => {
    const db = await open({ consistency: { causalReads: 'off' } })
    await pause(0, 1)
    await db.session(async () => {
      await db.execute(insert, [1])
      await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' })
    })
  })

  it('returns what the work returns, and passes on what it throws', async () => {
    const db = await open()
    expect(await db.session(() => 7)).toBe(7)
    await expect(db.session(() => { throw new Error('mine') })).rejects.toThrow('mine')
    await expect(db.session(undefined as never)).rejects.toThrow(ConfigError)
    await expect(db.session(() => 1, { tokens: 'x' } as never)).rejects.toThrow(/tokens.*known option/)
  })
})

describe('commits that are not waited for', () => {
  it.each(['set synchronous_commit = off', undefined])('are seen all the same (%s)', async (setting) => {
    const db = await open(PATIENT)
    await db.session(async () => {
      for (let id = 1; id <= 5; id++) {
        if (setting === undefined) {
          await db.transaction(async (tx) => {
            await tx.query('set local synchronous_commit = off')
            await tx.execute(insert, [id])
          })
        } else {
          await db.connection(async (connection) => {
            await connection.query(setting)
            await connection.execute(insert, [id])
          })
        }
        await expect(read(db)).resolves.toMatchObject({ n: id })
      }
    })
  })
})

describe('a causal token', () => {
  it('resumes a session, here and in another database object', async () => {
    const [here, there] = [await open(PATIENT), await open(PATIENT)]
    await pause(0)
    const token = await here.session(async () => {
      await here.execute(insert, [1])
      return here.causalToken()
    })
    expect(token).toMatch(/^[\w.-]+$/)
    await expect(there.session(() => read(there), { token })).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
    await expect(read(there, { causalToken: token })).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
    const batch = await there.batch([count], { causalToken: token })
    expect(batch[0]?.rows).toEqual([{ count: 1 }])
    const inside = await there.transaction((tx) => tx.value(count), { readOnly: true, causalToken: token })
    expect(inside).toBe(1)
  })

  it('of no session is that of the process; several are merged', async () => {
    const [here, there] = [await open(PATIENT), await open(PATIENT)]
    const before = here.causalToken()
    await here.execute(insert, [1])
    const one = here.causalToken()
    await there.execute(insert, [2])
    const other = there.causalToken()
    const third = await open(PATIENT)
    await third.session(async () => { expect((await read(third)).n).toBe(2) }, { token: [before, one, other] })
  })

  it('covers what was only read', async () => {
    const [here, there] = [await open(PATIENT), await open({ consistency: { causalReadsTimeoutMs: 30 } })]
    await server.admin('insert into entry (id) values (1)')
    await Promise.all([eventually(async () => (await read(here)).n === 1), server.waitForReplay()])
    await pause(0, 1)
    await server.admin('insert into entry (id) values (2)')
    const token = await here.session(async () => {
      expect((await read(here, { target: 'primary' })).n).toBe(2)
      return here.causalToken()
    })
    await expect(there.session(() => read(there), { token })).resolves.toMatchObject({ n: 2, node: primary, route: 'causal' })
  })

  it('of another cluster leads to the primary once, and from there on to replicas', async () => {
    const db = await open(PATIENT)
    await db.execute(insert, [1])
    const [version = '', body = ''] = db.causalToken().split('.')
    const text = Buffer.from(body, 'base64url').toString()
    const foreign = Buffer.from(text.replace(/^\d+/, '1234')).toString('base64url')
    const { encodeToken } = await import('../../../src/database/token.js')
    const [, position] = text.split('\n')
    const token = encodeToken({ systemId: '1234', position, doubtful: false })
    expect(token).toContain(`${version}.${foreign}`)
    await db.session(async () => {
      await expect(read(db)).resolves.toMatchObject({ n: 1, node: primary, route: 'causal' })
      await expect(read(db)).resolves.toMatchObject({ n: 1, route: 'read' })
    }, { token })
  })

  it.each([
    ['empty', ''], ['of a stranger', 'let me in'], ['cut', (token: string) => token.slice(0, -1)], ['with a changed letter', (token: string) => token.replace(/.(?=\.[^.]+$)/, '_')],
    ['of another version', 'sl9.AAAA.x'],
  ])('that is %s is refused, and not shown', async (_, change) => {
    const db = await open()
    await db.execute(insert, [1])
    const token = typeof change === 'string' ? change : change(db.causalToken())
    const inSession = await errorOf(db.session(() => read(db), { token }))
    expect(inSession).toBeInstanceOf(ConfigError)
    expect(inSession).toMatchObject({ option: 'token' })
    const inCall = await errorOf(read(db, { causalToken: token }))
    expect(inCall).toMatchObject({ option: 'causalToken', code: 'SLUICE_CONFIG' })
    if (token !== '') expect((inCall as Error).message).not.toContain(token)
  })
})

describe('without a session', () => {
  const eager = { consistency: { causalReadsTimeoutMs: 10_000 } } as const

  it('reads of a table just written go to the primary, others to the replicas', async () => {
    const db = await open(eager)
    await pause(0, 1)
    await db.execute(insert, [1])
    await expect(read(db)).resolves.toEqual({ n: 1, node: primary, route: 'causal' })
    await expect(db.query('select * from other')).resolves.toMatchObject({ route: 'read' })
    await expect(db.query('select 1')).resolves.toMatchObject({ route: 'read' })
    await resume(0)
    await eventually(async () => (await read(db)).route === 'read')
    expect((await read(db)).node).toBe(replicas[0])
  })

  it('what was rolled back marks nothing', async () => {
    const db = await open(eager)
    await pause(0, 1)
    await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      throw new Error('undone')
    }))
    await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' })
    await db.execute('insert into other values (1)')
    await errorOf(db.execute('insert into entry (id) values ($1), ($1)', [1]))
    await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' })
  })

  it('DDL and functions that cannot be seen into mark everything', async () => {
    for (const write of ['select add_entry(1)', 'create table made (id int)', 'do $$ begin insert into entry values (3); end $$']) {
      const db = await open(eager)
      await pause(0, 1)
      await db.query(write).catch(() => undefined)
      await expect(db.query('select * from other')).resolves.toMatchObject({ node: primary, route: 'causal' })
      await resume(0, 1)
      await server.waitForReplay()
    }
  })

  it("'global' waits for the newest write of the process, whatever is read", async () => {
    const db = await open({ consistency: { causalReads: 'global', causalReadsTimeoutMs: 20_000 } })
    await pause(0)
    await db.execute(insert, [1])
    await expect(db.query('select * from other')).resolves.toMatchObject({ node: replicas[1], route: 'read' })
    await expect(read(db)).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
  })
})
