import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Database, TransactionClosedError } from '../../../src/index.js'
import { databaseOf, errorHandler, operationsRoutes, requestDatabase, requestTransaction, type Next, type RequestTransaction } from '../../../src/http/express.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { call, callAndLeave, closed, listen } from './support.js'

const require = createRequire(import.meta.url)
/** Express 4 beside Express 5: what the tests use both have. */
const express4 = require('express4') as () => Express

const server = await freshDatabase()
let db: Database

beforeAll(async () => {
  await server.admin('create table item (id int primary key, parent int references item deferrable initially deferred)')
  await server.admin('grant all on item to public')
  db = await Database.open({ primary: server.primaryUrl, pool: { max: 4 }, health: { intervalMs: 200 } })
})
beforeEach(async () => { await server.admin('delete from item') })
afterAll(async () => { await db.close() })

const rows = async (): Promise<number[]> => (await server.admin('select id from item order by id')).map((row) => Number(row['id']))
const insert = (request: Request, id: number): Promise<unknown> => databaseOf(request).execute('insert into item (id) values ($1)', [id])

/** Nothing is held, nothing is open on the server. */
async function allReturned(): Promise<void> {
  await eventually(() => db.stats().nodes.every(({ inUse }) => inUse === 0))
  const open = `select 1 from pg_stat_activity where datname = '${server.name}' and xact_start is not null and pid <> pg_backend_pid()`
  await eventually(async () => (await server.admin(open)).length === 0)
}

interface Served {
  readonly port: number
  close(): Promise<void>
}

async function serve(app: Express): Promise<Served> {
  const { server: http, port } = await listen(app as Parameters<typeof listen>[0])
  return { port, close: () => closed(http) }
}

type Options = Parameters<typeof requestTransaction>[1]

/** One route with a transaction, and whatever it does. */
async function route(make: () => Express, handler: RequestHandler, options: Options = {}): Promise<Served> {
  const app = make()
  app.post('/do', requestTransaction(db, options), (request, response, next) => {
    Promise.resolve().then(() => handler(request, response, next)).catch(next)
  })
  app.use(errorHandler())
  app.use((_error: unknown, _request: Request, response: Response, _next: Next) => { response.status(500).json({ own: 'error page' }) })
  return serve(app)
}

const versions: readonly (readonly [name: string, make: () => Express])[] = [['Express 5', express], ['Express 4', express4]]

describe.each(versions)('a request transaction in %s', (_name, make) => {
  const told = async (handler: RequestHandler, options?: Options): Promise<{ status: number, body: string, stored: number[] }> => {
    const served = await route(make, handler, options)
    try {
      const { status, body } = await call(served.port, '/do')
      await allReturned()
      return { status, body, stored: await rows() }
    } finally {
      await served.close()
    }
  }

  it('is committed before the answer leaves', async () => {
    const served = await route(make, async (request, response) => {
      await insert(request, 1)
      response.set('x-own', 'yes').status(201).json({ id: 1 })
    })
    const { status, headers, body } = await call(served.port, '/do')
    expect(await rows()).toEqual([1])
    expect({ status, own: headers['x-own'], body }).toEqual({ status: 201, own: 'yes', body: '{"id":1}' })
    await served.close()
  })

  it('has savepoints, hooks, streams and batches like any other transaction', async () => {
    const told: string[] = []
    const ids = async (tx: RequestTransaction): Promise<unknown[]> => {
      const found: unknown[] = []
      for await (const row of tx.stream('select id from item order by id')) found.push(row)
      return found
    }
    const served = await route(make, async (request, response) => {
      const tx = databaseOf(request)
      expect(tx.state).toBe('unused')
      await tx.afterCommit(() => { told.push(`committed ${tx.state}`) })
      await tx.afterRollback(() => { told.push('rolled back') })
      await insert(request, 1)
      await tx.transaction(async (inner) => {
        await inner.execute('insert into item (id) values (2)')
        throw new Error('only this part')
      }).catch(() => undefined)
      await tx.batch([['insert into item (id) values (3)'], ['insert into item (id) values ($1)', [4]]])
      response.json([tx.state, await ids(tx)])
    })
    try {
      expect((await call(served.port, '/do')).body).toBe('["open",[{"id":1},{"id":3},{"id":4}]]')
      expect([await rows(), told]).toEqual([[1, 3, 4], ['committed committed']])
    } finally {
      await served.close()
    }
  })

  it('takes no connection where nothing is asked', async () => {
    const before = db.stats().nodes[0]!.queries
    expect(await told((_request, response) => { response.json({ ok: true }) })).toMatchObject({ status: 200, stored: [] })
    expect(db.stats().nodes[0]!.queries).toBe(before)
  })

  it('is rolled back for an error status', async () => {
    expect(await told(async (request, response) => {
      await insert(request, 1)
      response.status(422).json({ no: true })
    })).toEqual({ status: 422, body: '{"no":true}', stored: [] })
  })

  it('commits by the caller’s own rule', async () => {
    expect(await told(async (request, response) => {
      await insert(request, 1)
      response.status(422).json({})
    }, { commitOn: (status) => status === 422 })).toMatchObject({ status: 422, stored: [1] })
  })

  it('is rolled back when the handler throws before and after a write', async () => {
    const boom = (): never => { throw new Error('boom') }
    expect(await told(boom)).toEqual({ status: 500, body: '{"own":"error page"}', stored: [] })
    expect(await told(async (request) => {
      await insert(request, 1)
      boom()
    })).toEqual({ status: 500, body: '{"own":"error page"}', stored: [] })
  })

  it('never shows success when COMMIT fails', async () => {
    const { status, body, stored } = await told(async (request, response) => {
      await databaseOf(request).execute('insert into item values (1, 99)')
      response.set('x-own', 'yes').json({ ok: true })
    })
    expect({ status, stored }).toEqual({ status: 409, stored: [] })
    expect(JSON.parse(body)).toEqual({ error: { code: 'SLUICE_CONSTRAINT', kind: 'foreignKey', message: 'conflicts with what is stored' } })
  })

  it('keeps to the answer that was given, whatever is done to it while COMMIT runs', async () => {
    expect(await told(async (request, response) => {
      await insert(request, 1)
      response.json({ ok: true })
      response.statusCode = 500
      throw new Error('too late')
    })).toEqual({ status: 200, body: '{"ok":true}', stored: [1] })
  })

  it('refuses an answer in pieces, whoever pipes it', async () => {
    expect(await told(async (request, response) => {
      await insert(request, 1)
      Readable.from(['a', 'b', 'c']).pipe(response)
    })).toEqual({ status: 500, body: '{"error":{"code":"SLUICE_STREAMED_REPLY","message":"the request failed"}}\n', stored: [] })
  })

  it('ends before the first piece where pieces are wanted', async () => {
    expect(await told(async (request, response) => {
      await insert(request, 1)
      Readable.from(['a', 'b', 'c']).pipe(response)
    }, { streams: 'commit-first' })).toEqual({ status: 200, body: 'abc', stored: [1] })
    expect(await told(async (request, response) => {
      await databaseOf(request).execute('insert into item values (7, 99)')
      Readable.from(['a', 'b', 'c']).pipe(response)
    }, { streams: 'commit-first' })).toMatchObject({ status: 500, stored: [1] })
  })

  it('is rolled back and its statement cancelled when the client goes away', async () => {
    let ended: unknown
    let begun: () => void = () => undefined
    const running = new Promise<void>((resolve) => { begun = resolve })
    const served = await route(make, async (request) => {
      await insert(request, 1)
      begun()
      ended = await databaseOf(request).query('select pg_sleep(30)').catch((error: unknown) => error)
    })
    await callAndLeave(served.port, '/do', running)
    await eventually(() => ended !== undefined)
    await allReturned()
    expect(await rows()).toEqual([])
    await served.close()
  })

  it('throws for what comes after the answer', async () => {
    let late: unknown
    const { status, stored } = await told(async (request, response) => {
      await insert(request, 1)
      response.json({})
      late = await insert(request, 2).catch((error: unknown) => error)
    })
    expect({ status, stored }).toEqual({ status: 200, stored: [1] })
    await eventually(() => late !== undefined)
    expect(late).toBeInstanceOf(TransactionClosedError)
  })
})

describe('beside transactions', () => {
  it('a request has the database bound to it, and errors have statuses', async () => {
    const app = express()
    app.use(requestDatabase(db))
    app.get('/none', (request, response, next) => {
      const bound = (request as unknown as { db: Database }).db
      bound.one('select 1 where false').then((row) => response.json(row)).catch(next)
    })
    app.use(errorHandler())
    const served = await serve(app)
    expect(await call(served.port, '/none', { method: 'GET' })).toMatchObject({ status: 404, body: '{"error":{"code":"SLUICE_NO_ROWS","message":"not found"}}\n' })
    await served.close()
  })

  it('a full pool is told as 503 with a time to come back', async () => {
    const small = await Database.open({ primary: server.primaryUrl, pool: { max: 1, acquireTimeoutMs: 1_000 } })
    const app = express()
    app.post('/do', requestTransaction(small), (request, response, next) => {
      insert(request, 1).then(() => response.json({})).catch(next)
    })
    app.use(errorHandler({ retryAfterSeconds: 7 }))
    const served = await serve(app)
    await small.connection(async () => {
      expect(await call(served.port, '/do')).toMatchObject({ status: 503, headers: { 'retry-after': '7' } })
    })
    await served.close()
    await small.close()
  })

  it('operators have their routes, and others do not', async () => {
    const app = express()
    app.use(operationsRoutes(db, { prefix: '/ops', authorize: ({ headers }) => headers['x-key'] === 'secret' }))
    app.use((_request, response) => { response.status(418).end() })
    const served = await serve(app)
    const get = (path: string, headers = {}): ReturnType<typeof call> => call(served.port, path, { method: 'GET', headers })
    expect(await get('/ops/health/live')).toMatchObject({ status: 200 })
    expect(await get('/ops/health/ready')).toMatchObject({ status: 200 })
    expect(await get('/ops/health/database')).toMatchObject({ status: 403 })
    const health = await get('/ops/health/database', { 'x-key': 'secret' })
    expect(JSON.parse(health.body)).toMatchObject({ status: 'ok', engine: 'postgres', nodes: [{ role: 'primary', state: 'up' }] })
    const stats = await get('/ops/metrics/database', { 'x-key': 'secret' })
    expect(JSON.parse(stats.body)).toMatchObject({ nodes: [{ role: 'primary' }] })
    expect(await get('/health/live')).toMatchObject({ status: 418 })
    expect(await call(served.port, '/ops/health/live')).toMatchObject({ status: 405 })
    await served.close()
  })
})
