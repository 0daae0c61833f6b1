import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, TransactionOutcomeUnknownError, TransactionRolledBackError } from '../../../src/index.js'
import { flakyProxy, startCluster, type Cluster, type FlakyProxy } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'
import { errorOf } from './open.js'

let cluster: Cluster
let proxy: FlakyProxy
let admin: Database

beforeAll(async () => {
  cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: await ownServers() })
  proxy = await flakyProxy({ target: cluster.url })
  admin = await Database.open(cluster.url)
  await admin.execute('create table entry (id int)')
})
afterAll(async () => {
  await admin.close()
  await proxy.close()
  await cluster.destroy()
})

/** Commits transactions of other callers until the server has given out that many ids. */
async function othersCommit(transactions: number): Promise<void> {
  for (let done = 0; done < transactions; done++) await admin.execute('insert into entry values (0)')
}

describe('the server crashes before it has stored a transaction, and gives its id to another one', () => {
  it.each([
    ['killed', async () => { await cluster.primary.kill(); await cluster.primary.start() }],
    ['restarted by itself after one of its processes was killed', crashOneProcess],
  ])('%s: the stranger\'s commit is not taken for its own', async (_, crash) => {
    const db = await Database.open(proxy.url)
    try {
      const neverArrives = proxy.cutBefore(({ from, sql }) => from === 'client' && /^commit/i.test(sql ?? ''))
      const outcome = errorOf(db.transaction((tx) => tx.execute('insert into entry values (777)'), { retries: 0 }))
      await neverArrives.done
      await proxy.refuse()
      await crash()
      await othersCommit(5)
      await proxy.restore()
      // rolled back, where the server noticed the lost connection before it crashed
      const error = await outcome
      expect([TransactionOutcomeUnknownError, TransactionRolledBackError]).toContain((error as Error).constructor)
      expect(await admin.value('select count(*)::int from entry where id = 777')).toBe(0)
    } finally {
      await db.close({ drainMs: 0 })
      await proxy.restore()
    }
  })
})

describe('the address of a frozen primary leads to the one promoted in its place', () => {
  it('which is not believed about a transaction it never had', async () => {
    const { transactionId, transactionFate } = admin.assembly.driver.dialect.probes
    const tx = await admin.begin()
    const id = transactionId?.read((await tx.query(transactionId.statement.text)).rows) ?? ''
    const fate = async (db: Database): Promise<unknown> => {
      const probe = transactionFate?.(id)
      return probe?.read((await db.primary.query(probe.statement.text, probe.statement.params)).rows)
    }
    expect(await fate(admin)).toBe('in-progress')
    await using promoted = await Database.open((await cluster.promote(1)).url)
    for (let done = 0; done < 5; done++) await promoted.execute('insert into entry values (0)')
    expect(await fate(promoted)).toBe('unknown')
    await tx.rollback()
    expect(await fate(admin)).toBe('aborted')
  })
})

/** As the kernel does to a process that takes too much memory: the server restarts all of its processes. */
async function crashOneProcess(): Promise<void> {
  const resetAt = (): Promise<string | undefined> => admin.value<string>('select pg_stat_get_bgwriter_stat_reset_time()::text', { target: 'primary' })
  const before = await resetAt()
  await admin.connection(async (connection) => {
    process.kill(connection.id, 'SIGKILL')
    await connection.query('select pg_sleep(5)').catch(() => undefined)
  })
  await eventually(async () => await resetAt() !== before)
}
