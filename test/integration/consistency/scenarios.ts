import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, sql, type Database, type Sql } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener, type Open } from '../database/open.js'
import type { OwnCluster } from './replay.js'
import { TokenReader } from './token-reader.js'

/** What differs between engines. */
export interface EngineWords {
  /** Makes the function `add_entry(id)`, which inserts a row. */
  readonly addEntry: string
  /** Writes that cannot be seen into. */
  readonly opaque: readonly string[]
  /** INSERT takes RETURNING. */
  readonly returning: boolean
  /** INSERT may stand inside WITH. */
  readonly writableCte: boolean
}

const insert = (id: number): Sql => sql`insert into entry (id) values (${id})`
const count = 'select count(*) as n from entry'
/** Long enough that a slow machine is not taken for a replica that lags. */
const PATIENT = { consistency: { causalReadsTimeoutMs: 20_000 } } as const

/** Node and route of a read, and what it counted. */
async function read(db: Database, options: object = {}): Promise<{ n: number; node: string; route: string }> {
  const { rows, node, route } = await db.query<{ n: unknown }>(count, options)
  return { n: numberIn(rows), node, route }
}

const numberIn = (rows: readonly unknown[]): number => Number((rows[0] as { n: unknown }).n)

/** Sessions, tokens and recent writes on one engine's own cluster: the same for all. */
export function sessionScenarios(server: OwnCluster, words: EngineWords): void {
  const open: Open = opener(server)
  const [primary = '', ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)
  const pause = (...indexes: number[]): Promise<unknown> => Promise.all(indexes.map((index) => server.cluster.node(index + 1).pauseReplay()))
  const resume = (...indexes: number[]): Promise<unknown> => Promise.all(indexes.map((index) => server.cluster.node(index + 1).resumeReplay()))

  beforeAll(async () => {
    await server.admin('create table entry (id int primary key, n int not null default 0)')
    await server.admin('create table other (id int)')
    await server.admin(words.addEntry)
  })
  beforeEach(async () => {
    await server.admin('delete from entry')
    await server.admin('delete from other')
    await server.waitForReplay()
  })
  afterEach(async () => {
    await resume(0, 1)
  })

  describe('a session', () => {
    it('sees its own writes, from replicas that have caught up', async () => {
      const db = await open(PATIENT)
      await db.session(async () => {
        for (let id = 1; id <= 20; id++) {
          await db.execute(insert(id))
          const { n, node, route } = await read(db)
          expect({ n, route }).toEqual({ n: id, route: 'read' })
          expect(replicas).toContain(node)
        }
      })
    })

    it('goes past the query cache, whose rows may be older than what it has seen', async () => {
      const [db, elsewhere] = [await open({ ...PATIENT, cache: { ttlMs: 60_000 } }), await open()]
      const cachedCount = async (): Promise<number> => numberIn((await db.query(count, [], { cache: true })).rows)
      expect(await cachedCount()).toBe(0)
      const token = await elsewhere.session(async () => {
        await elsewhere.execute(insert(1))
        return elsewhere.causalToken()
      })
      expect(await cachedCount()).toBe(0)
      expect(await db.session(cachedCount, { token })).toBe(1)
    })

    it('sees what it wrote in transactions, batches, streams, lent connections and functions', async () => {
      const db = await open(PATIENT)
      const writes: (() => Promise<unknown>)[] = [
        () => db.transaction((tx) => tx.execute(insert(1))),
        () => db.batch([insert(2), insert(3)]),
        async () => {
          if (words.returning) for await (const row of db.stream('insert into entry (id) values (4) returning id')) expect(row).toEqual({ id: 4 })
          else await db.execute(insert(4))
        },
        () => db.connection((connection) => connection.execute(insert(5))),
        () => db.connection(async (connection) => {
          await connection.query('begin')
          await connection.query(insert(6))
          await connection.query('savepoint here')
          await connection.query('commit')
        }),
        () => db.value('select add_entry(7)'),
        () => words.writableCte ? db.query('with new as (insert into entry (id) values (8) returning id) select id from new') : db.execute(insert(8)),
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
        await db.execute(insert(1))
        await db.transaction(async (tx) => {
          expect(replicas).toContain(tx.node)
          expect(Number(await tx.value(count))).toBe(1)
        }, { readOnly: true })
        await db.execute(insert(2))
        const [answer] = await db.batch([count])
        expect(numberIn(answer?.rows ?? [])).toBe(2)
        await db.execute(insert(3))
        for await (const row of db.stream(count)) expect(numberIn([row])).toBe(3)
        await db.execute(insert(4))
        expect(Number(await db.connection((connection) => connection.value(count), { target: 'replica' }))).toBe(4)
        await db.execute(insert(5))
        await expect(read(db, { target: 'replica' })).resolves.toMatchObject({ n: 5, route: 'forced' })
      })
    })

    it('goes to the primary when no replica catches up in time, and says so', async () => {
      const db = await open({ consistency: { causalReadsTimeoutMs: 30 } })
      await pause(0, 1)
      await db.session(async () => {
        await db.execute(insert(1))
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
          await db.execute(insert(id))
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
          const { n } = await read(db)
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
          expect(Number(await tx.value(count))).toBe(1)
          throw new Error('undone')
        }))
        await expect(read(db)).resolves.toMatchObject({ n: 1, node: primary })
      })
    })

    it('inside another one sees what that has written, and passes on what it writes', async () => {
      const db = await open(PATIENT)
      await db.session(async () => {
        await db.execute(insert(1))
        await db.session(async () => {
          expect((await read(db)).n).toBe(1)
          await db.execute(insert(2))
        })
        expect((await read(db)).n).toBe(2)
      })
    })

    it('of another one is not waited for: sessions are apart, also side by side', async () => {
      const db = await open({ consistency: { causalReadsTimeoutMs: 30 } })
      await pause(0, 1)
      await db.session(() => db.execute(insert(1)))
      await db.session(async () => { await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' }) })
    })

    it("is no session at all with causalReads 'off'", async () => {
      const db = await open({ consistency: { causalReads: 'off' } })
      await pause(0, 1)
      await db.session(async () => {
        await db.execute(insert(1))
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

  describe('a causal token', () => {
    it('resumes a session, here and in another database object', async () => {
      const [here, there] = [await open(PATIENT), await open(PATIENT)]
      await pause(0)
      const token = await here.session(async () => {
        await here.execute(insert(1))
        return here.causalToken()
      })
      expect(token).toMatch(/^[\w.-]+$/)
      await expect(there.session(() => read(there), { token })).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
      await expect(read(there, { causalToken: token })).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
      const batch = await there.batch([count], { causalToken: token })
      expect(numberIn(batch[0]?.rows ?? [])).toBe(1)
      const inside = await there.transaction((tx) => tx.value(count), { readOnly: true, causalToken: token })
      expect(Number(inside)).toBe(1)
    })

    it('of no session is that of the process; several are merged', async () => {
      const [here, there] = [await open(PATIENT), await open(PATIENT)]
      const before = here.causalToken()
      await here.execute(insert(1))
      const one = here.causalToken()
      await there.execute(insert(2))
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

    it.each([
      ['empty', ''], ['of a stranger', 'let me in'], ['cut', (token: string) => token.slice(0, -1)], ['with a changed letter', (token: string) => token.replace(/.(?=\.[^.]+$)/, '_')],
      ['of another version', 'sl9.AAAA.x'],
    ])('that is %s is refused, and not shown', async (_, change) => {
      const db = await open()
      await db.execute(insert(1))
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
      await db.execute(insert(1))
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
        await tx.execute(insert(1))
        throw new Error('undone')
      }))
      await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' })
      await db.execute('insert into other values (1)')
      await errorOf(db.execute(sql`insert into entry (id) values (${1}), (${1})`))
      await expect(read(db)).resolves.toMatchObject({ n: 0, route: 'read' })
    })

    it('DDL and functions that cannot be seen into mark everything', async () => {
      for (const write of ['select add_entry(1)', 'create table made (id int)', ...words.opaque]) {
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
      await db.execute(insert(1))
      await expect(db.query('select * from other')).resolves.toMatchObject({ node: replicas[1], route: 'read' })
      await expect(read(db)).resolves.toEqual({ n: 1, node: replicas[1], route: 'read' })
    })
  })

  describe('writes and reads in turn, with one of two replicas standing still', () => {
    const PAIRS = 150

    /** Counts what must not be: a read that misses the write before it, or shows less than the read before. */
    function tally(reads: readonly { wanted: number; n: number; node: string }[]): void {
      const stale = reads.filter(({ wanted, n }) => n < wanted)
      const backward = reads.filter(({ n }, index) => n < (reads[index - 1]?.n ?? 0))
      const fromReplica = reads.filter(({ node }) => node === replicas[1])
      expect({ stale, backward }).toEqual({ stale: [], backward: [] })
      expect(fromReplica.length).toBeGreaterThanOrEqual(0.8 * PAIRS)
    }

    it.each([
      ['is paused', () => pause(0)],
      ['lags behind', () => server.cluster.node(1).delayReplay(60_000)],
    ])('in sessions: none is stale, none goes back, most come from the other one, when one %s', async (_, hinder) => {
      const db = await open(PATIENT)
      await hinder()
      const reads: { wanted: number; n: number; node: string }[] = []
      for (let id = 1; id <= PAIRS; id++) {
        await db.session(async () => {
          await db.execute(insert(id))
          reads.push({ wanted: id, ...await read(db) })
        })
      }
      await server.cluster.node(1).delayReplay(0)
      tally(reads)
    })

    it('through tokens that another database object reads with', async () => {
      const [writer, reader] = [await open(PATIENT), await open(PATIENT)]
      await pause(0)
      const reads: { wanted: number; n: number; node: string }[] = []
      let longest = 0
      for (let id = 1; id <= PAIRS; id++) {
        const token = await writer.session(async () => {
          await writer.execute(insert(id))
          return writer.causalToken()
        })
        longest = Math.max(longest, token.length)
        reads.push({ wanted: id, ...await read(reader, { causalToken: token }) })
      }
      tally(reads)
      expect(longest).toBeLessThan(200)
    })

    it('through tokens that another process reads with', async () => {
      const writer = await open(PATIENT)
      await using reader = await TokenReader.start({ primary: server.primaryUrl, replicas: [...server.replicaUrls], ...PATIENT })
      await pause(0)
      const reads: { wanted: number; n: number; node: string }[] = []
      for (let id = 1; id <= PAIRS; id++) {
        const token = await writer.session(async () => {
          await writer.execute(insert(id))
          return writer.causalToken()
        })
        reads.push({ wanted: id, ...await reader.read(count, token) })
      }
      tally(reads)
      // without the token it takes what the replica that stands still has, too
      const without = await Promise.all([0, 1, 2, 3].map(() => open({ consistency: { causalReads: 'off' }, routing: { maxReplicationLagMs: 0 } }).then((db) => read(db))))
      expect(without.some(({ n }) => n < PAIRS)).toBe(true)
    })
  })
}
