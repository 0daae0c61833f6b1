import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Database, ConnectionError } from '../../../src/index.js'
import { flakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [replicaUrl = ''] = server.replicaUrls
const [adminReplicaUrl = ''] = server.adminReplicaUrls

describe('two sessions of a healthy replica are ended at once', () => {
  it('and the others go on', async () => {
    const db = await open({ replicas: [replicaUrl], retry: { reads: 0 } })
    const admin = await open({ primary: adminReplicaUrl, replicas: [] })
    await eventually(() => db.health.status().nodes.every(({ state }) => state === 'up'))
    const runs = Promise.allSettled(Array.from({ length: 5 }, (_, job) => db.value<string>(`select ${job} || pg_sleep(1)::text`)))
    const running = `from pg_stat_activity where datname = '${server.name}' and query like 'select _ || pg_sleep%' and state = 'active'`
    await eventually(async () => await admin.value(`select count(*)::int ${running}`, { target: 'primary' }) === 5)
    await admin.execute(`select pg_terminate_backend(pid) ${running} and (query like 'select 0%' or query like 'select 1%')`)
    const results = await runs
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect((results[0] as PromiseRejectedResult).reason).toBeInstanceOf(ConnectionError)
    await eventually(() => db.stats().nodes[1]?.state === 'up')
  })
})

describe('a database that was never told to connect', () => {
  it('finds a replica again that was dead', async () => {
    const proxy = await flakyProxy({ target: replicaUrl })
    onTestFinished(() => proxy.close())
    const db = new Database({ primary: server.primaryUrl, replicas: [proxy.url], health: { intervalMs: 100 }, pool: { acquireTimeoutMs: 500 } })
    onTestFinished(() => db.close({ drainMs: 0 }))
    expect((await db.query('select 1')).route).toBe('read')
    await proxy.refuse()
    proxy.cut()
    await eventually(async () => (await db.query('select 1')).route === 'fallback' && db.stats().nodes[1]?.state === 'down')
    await proxy.restore()
    await eventually(async () => (await db.query('select 1')).route === 'read')
  })
})

describe('the async context of whoever happens to make or open a database', () => {
  it('is not kept by its connections, probes and timers', async () => {
    const request = new AsyncLocalStorage<string>()
    const contexts = new Set<string | undefined>()
    const note = (): void => void contexts.add(request.getStore())
    const proxy = await flakyProxy({ target: replicaUrl })
    onTestFinished(() => proxy.close())
    const db = await request.run('the first request', () => open({
      replicas: [proxy.url], health: { intervalMs: 50 }, pool: { min: 1, max: 2 }, observers: [{ connect: note, node: ({ from }) => { if (from !== 'unknown') note() } }],
    }))
    await proxy.refuse()
    proxy.cut()
    await eventually(() => db.stats().nodes[1]?.state === 'down')
    await proxy.restore()
    await eventually(() => db.stats().nodes[1]?.state === 'up')
    expect([...contexts]).toEqual([undefined])
  })
})
