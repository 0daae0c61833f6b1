import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Database, type DatabaseOptions } from '../../../src/index.js'
import { databaseReply, errorReply, metricsReply, statsReply } from '../../../src/http/index.js'
import { statusSnapshot } from '../../../src/http/dashboard/snapshot.js'
import { freshDatabase } from '../../support/database.js'

const server = await freshDatabase()
const MARK = 'Zq9Xv7Kp'
/** Passwords and values around a mark that nothing else contains. */
const SECRET = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([before, after]) => `${before.replaceAll('\0', '')}${MARK}${after.replaceAll('\0', '')}`)

/** The driver's own error is the caller's, as its `cause`; what the library says itself is looked at here. */
function withoutCause(error: unknown): unknown {
  const { message, stack, ...facts } = error as Error
  return { message, stack, ...facts, cause: undefined }
}

/** Everything a database shows of itself to anybody, the driver's own errors left out with `ownOnly`. */
async function shown(options: DatabaseOptions, use: (db: Database) => Promise<unknown>, ownOnly = false): Promise<string> {
  const seen: string[] = []
  const see = (thing: unknown): void => { seen.push(inspect(thing, { depth: 12, maxStringLength: null, maxArrayLength: null })) }
  const told = (event: { readonly error?: Error | undefined }): void => { see(ownOnly && event.error ? { ...event, error: withoutCause(event.error) } : event) }
  const db = new Database({
    ...options, queryLogLevel: 'debug', slowQueryMs: 1, logger: pino({ level: 'debug' }, { write: (line: string) => { seen.push(line) } }),
    observers: [{ query: told, connect: told, node: see, warning: told, failover: see, transaction: see }], health: { intervalMs: 60_000 },
  })
  const failed = (error: unknown): void => {
    see(ownOnly ? withoutCause(error) : error)
    see(errorReply(error))
  }
  try {
    await db.connect().catch(failed)
    await use(db).catch(failed)
    await db.health.check().catch(failed)
    for (const thing of [db.stats(), db.statements(), db.health.status(), db.cache.stats(), databaseReply(db), statsReply(db), statusSnapshot(db)]) see(thing)
    see(await metricsReply(db))
  } finally {
    await db.close({ drainMs: 0 })
  }
  return seen.join('\n')
}

async function closedPort(): Promise<number> {
  const listener = createServer()
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  const { port } = listener.address() as AddressInfo
  await new Promise((resolve) => listener.close(resolve))
  return port
}

describe('no log line, error, metric, statistic or page ever holds', () => {
  it('a password: with a server that refuses it', async () => {
    await fc.assert(fc.asyncProperty(SECRET, async (password) => {
      const url = new URL(server.primaryUrl)
      const text = await shown(
        { primary: { host: url.hostname, port: Number(url.port), user: url.username, database: server.name, password } },
        async (db) => { await db.query('select 1') },
      )
      expect(text).toContain('SLUICE_')
      expect(text).not.toContain(MARK)
    }), { numRuns: 12 })
  }, 120_000)

  it('a password: with no server at all, given in whatever way', async () => {
    const port = await closedPort()
    await fc.assert(fc.asyncProperty(SECRET, fc.constantFrom('url', 'object', 'function'), async (secret, way) => {
      const url = `postgres://app:${encodeURIComponent(secret)}@127.0.0.1:${String(port)}/shop`
      const primary = way === 'url' ? url : { host: '127.0.0.1', port, user: 'app', database: 'shop', password: way === 'object' ? secret : () => secret }
      const text = await shown({ primary, connectTimeoutMs: 500, failoverTimeoutMs: 0, pool: { acquireTimeoutMs: 100 } }, async (db) => { await db.query('select 1') })
      expect(text).toContain('SLUICE_')
      for (const form of [MARK, encodeURIComponent(MARK)]) expect(text).not.toContain(form)
    }), { numRuns: 15 })
  }, 120_000)

  it('the value of a parameter, whether its statement succeeds, fails, or breaks a constraint', async () => {
    await server.admin('create table kept (v text primary key)')
    await server.admin('grant all on kept to public')
    await fc.assert(fc.asyncProperty(SECRET, async (value) => {
      const text = await shown({ primary: server.primaryUrl }, async (db) => {
        await db.query('select $1::text as v', [value], { cache: true })
        await db.query('select $1::int as v', [value])
      }, true)
      const twice = await shown({ primary: server.primaryUrl }, async (db) => {
        await db.execute('insert into kept values ($1) on conflict do nothing', [value])
        await db.execute('insert into kept values ($1)', [value])
      }, true)
      for (const each of [text, twice]) {
        expect(each).toContain('SLUICE_')
        expect(each).not.toContain(MARK)
      }
    }), { numRuns: 6 })
  }, 120_000)
})
