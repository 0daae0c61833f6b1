import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, NodeEvent } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => { proxy = await flakyProxy({ target: server.replicaUrls[1] ?? '' }) })
afterAll(async () => { await proxy.close() })

/** Reads until told to stop; which node answered each. */
function reading(db: Database): { readonly nodes: string[]; stop(): Promise<void> } {
  const nodes: string[] = []
  let stopped = false
  const loops = Array.from({ length: 8 }, async () => {
    while (!stopped) nodes.push((await db.query('select 1')).node)
  })
  return { nodes, stop: async () => { stopped = true; await Promise.all(loops) } }
}

describe('a replica behind a slow link', () => {
  it('is ejected while the others answer fast, and takes reads again when its time is over and the link is quick', async () => {
    await proxy.restore()
    const events: NodeEvent[] = []
    const db = await open({
      replicas: [{ name: 'quick', url: server.replicaUrls[0] }, { name: 'slow', url: proxy.url }],
      routing: { ejection: { baseMs: 500, minLatencyMs: 50, latencyFactor: 3 } }, health: { intervalMs: 100, timeoutMs: 60_000 },
      observers: [{ node: (event) => { events.push(event) } }],
    })
    const reads = reading(db)
    try {
      await eventually(() => reads.nodes.includes('slow') && reads.nodes.includes('quick'))
      proxy.delay(200)
      await eventually(() => events.some(({ node, to }) => node === 'slow' && to === 'ejected'))
      expect(db.health.status().nodes.find(({ name }) => name === 'slow')?.ejected).toMatch(/^it answers in \d+ ms, the others in \d+ ms$/)
      await proxy.restore()
      await eventually(() => events.some(({ node, from, to }) => node === 'slow' && from === 'ejected' && to === 'recovering'))
      const since = reads.nodes.length
      await eventually(() => reads.nodes.slice(since).includes('slow'))
    } finally {
      await reads.stop()
    }
    expect(db.stats().errors).toBe(0)
  })
})
