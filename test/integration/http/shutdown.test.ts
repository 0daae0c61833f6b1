import { Agent, request, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { shutDownOnSignal } from '../../../src/http/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { call, listen, type Seen } from './support.js'

const server = await freshDatabase()
const SIGNAL = 'SIGUSR2'
let forget: (() => void) | undefined
afterEach(() => { forget?.() })

/** A service whose one route runs `statement` and answers with its first column. */
async function serve(statement: string, options: { drainMs?: number } = {}): Promise<{ db: Database, port: number, done: Promise<void>, http: Server }> {
  const db = await Database.open({ primary: server.primaryUrl, pool: { max: 2 } })
  const { server: http, port } = await listen((_request, response) => {
    void db.query(statement).then(({ rows }) => { response.end(JSON.stringify(rows)) }, () => { response.destroy() })
  })
  const done = new Promise<void>((resolve) => {
    forget = shutDownOnSignal(http, db, { signals: [SIGNAL], onDone: resolve, ...options })
  })
  return { db, port, done, http }
}

const running = (db: Database): Promise<void> => eventually(() => db.stats().nodes.some(({ inUse }) => inUse > 0))

describe('a service told to end', () => {
  it('answers the requests under way, takes no new ones, then closes the database', async () => {
    const { db, port, done } = await serve("select 'late' as said from pg_sleep(1)")
    const answer = call(port, '/')
    await running(db)
    process.kill(process.pid, SIGNAL)
    await eventually(() => call(port, '/').then(() => false, () => true))
    expect((await answer).body).toBe('[{"said":"late"}]')
    await done
    await expect(db.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED' })
    expect(process.listenerCount(SIGNAL)).toBe(0)
  })

  it('goes on serving no client that keeps its connection busy', async () => {
    const { port, done } = await serve('select pg_sleep(0.02)', { drainMs: 600_000 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let [answers, after] = [0, 0]
    const client = (async () => {
      while (after < 50) {
        await call(port, '/', { agent })
        answers++
        if (process.listenerCount(SIGNAL) === 0) after++
      }
    })().catch(() => undefined)
    await eventually(() => answers > 3)
    process.kill(process.pid, SIGNAL)
    await client
    agent.destroy()
    expect(after).toBeLessThan(50)
    await done
  })

  it('does not wait for a connection that was upgraded', async () => {
    const { port, done, http } = await serve('select 1', { drainMs: 100 })
    http.on('upgrade', (_request, socket) => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n') })
    const sent = request({ host: '127.0.0.1', port, headers: { connection: 'Upgrade', upgrade: 'x' } }).end()
    const socket = await new Promise<Socket>((resolve) => { sent.on('upgrade', (_response, upgraded) => { resolve(upgraded) }) })
    process.kill(process.pid, SIGNAL)
    await done
    socket.destroy()
  })

  it('cuts what is not done after drainMs', async () => {
    const { db, port, done } = await serve('select pg_sleep(600)', { drainMs: 100 })
    const answer: Promise<Seen | Error> = call(port, '/').catch((error: unknown) => error as Error)
    await running(db)
    process.kill(process.pid, SIGNAL)
    await done
    expect(await answer).toBeInstanceOf(Error)
    await eventually(async () => (await server.admin(`select 1 from pg_stat_activity where datname = '${server.name}' and query like '%pg_sleep(600)' and state = 'active'`)).length === 0)
  })

  it('lets its signals go when it is told to forget', async () => {
    const { db } = await serve('select 1')
    expect(process.listenerCount(SIGNAL)).toBe(1)
    forget?.()
    expect(process.listenerCount(SIGNAL)).toBe(0)
    await db.close()
  })
})
