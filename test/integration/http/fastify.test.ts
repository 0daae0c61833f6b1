import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Database, TransactionClosedError } from '../../../src/index.js'
import { sluicePlugin, type RouteTransactionOptions, type SluicePluginOptions } from '../../../src/http/fastify.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { call, callAndLeave } from './support.js'

const server = await freshDatabase()
let db: Database
let app: FastifyInstance

beforeAll(async () => {
  await server.admin('create table item (id int primary key, parent int references item deferrable initially deferred)')
  await server.admin('grant all on item to public')
  db = await Database.open({ primary: server.primaryUrl, pool: { max: 4 } })
})
beforeEach(async () => { await server.admin('delete from item') })
afterEach(async () => { await app.close() })
afterAll(async () => { await db.close() })

const rows = async (): Promise<number[]> => (await server.admin('select id from item order by id')).map((row) => Number(row['id']))
const insert = (request: FastifyRequest, id: number): Promise<unknown> => request.db.execute('insert into item (id) values ($1)', [id])

async function allReturned(): Promise<void> {
  await eventually(() => db.stats().nodes.every(({ inUse }) => inUse === 0))
  const open = `select 1 from pg_stat_activity where datname = '${server.name}' and xact_start is not null and pid <> pg_backend_pid()`
  await eventually(async () => (await server.admin(open)).length === 0)
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** An application with one route, listening. */
async function listening(handler: Handler, transaction: boolean | RouteTransactionOptions = true, options: Partial<SluicePluginOptions> = {}): Promise<number> {
  app = Fastify()
  await app.register(sluicePlugin, { db, close: false, ...options })
  app.post('/do', { transaction }, async (request, reply) => handler(request, reply))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return Number(new URL(app.listeningOrigin).port)
}

async function told(handler: Handler, transaction?: boolean | RouteTransactionOptions): Promise<{ status: number, body: string, stored: number[] }> {
  const port = await listening(handler, transaction)
  const { status, body } = await call(port, '/do')
  await allReturned()
  return { status, body, stored: await rows() }
}

describe('a route with a transaction', () => {
  it('commits before the answer leaves', async () => {
    const port = await listening(async (request, reply) => {
      await insert(request, 1)
      return reply.code(201).send({ id: 1 })
    })
    const { status, body } = await call(port, '/do')
    expect(await rows()).toEqual([1])
    expect({ status, body }).toEqual({ status: 201, body: '{"id":1}' })
  })

  it('rolls back for a status from 400 on, also one that was sent by hand', async () => {
    expect(await told(async (request, reply) => {
      await insert(request, 1)
      return reply.code(500).send()
    })).toMatchObject({ status: 500, stored: [] })
  })

  it('rolls back when the handler throws, whatever status the error asks for', async () => {
    expect(await told(async (request) => {
      await insert(request, 1)
      throw Object.assign(new Error('boom'), { statusCode: 418 })
    })).toMatchObject({ status: 418, stored: [] })
  })

  it('answers a failed COMMIT with its own error, once', async () => {
    const { status, body, stored } = await told(async (request) => {
      await request.db.execute('insert into item values (1, 99)')
      return { ok: true }
    })
    expect({ status, stored }).toEqual({ status: 409, stored: [] })
    expect(JSON.parse(body)).toEqual({ error: { code: 'SLUICE_CONSTRAINT', kind: 'foreignKey', message: 'conflicts with what is stored' } })
  })

  it('rolls back when a hook throws on the way out', async () => {
    app = Fastify()
    await app.register(sluicePlugin, { db, close: false })
    app.post('/do', { transaction: true, onSend: async () => { throw new Error('late') } }, async (request) => insert(request, 1))
    const { statusCode } = await app.inject({ method: 'POST', url: '/do' })
    expect({ statusCode, stored: await rows() }).toEqual({ statusCode: 500, stored: [] })
    await allReturned()
  })

  it('rolls back a hijacked reply and leaks nothing', async () => {
    const answer = await told(async (request, reply) => {
      await insert(request, 1)
      void reply.hijack()
      reply.raw.end('{"mine":true}')
    })
    expect(answer).toEqual({ status: 200, body: '{"mine":true}', stored: [] })
  })

  it('refuses a payload that is a stream, unless it may commit first', async () => {
    const streamed: Handler = async (request, reply) => {
      await insert(request, 1)
      return reply.send(Readable.from(['a', 'b']))
    }
    const refused = await told(streamed)
    expect(refused).toMatchObject({ status: 500, stored: [] })
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'SLUICE_STREAMED_REPLY' } })
    await app.close()
    expect(await told(streamed, { streams: 'commit-first' })).toEqual({ status: 200, body: 'ab', stored: [1] })
  })

  it('rolls back and cancels when the client goes away', async () => {
    let ended: unknown
    let begun: () => void = () => undefined
    const running = new Promise<void>((resolve) => { begun = resolve })
    const port = await listening(async (request) => {
      await insert(request, 1)
      begun()
      ended = await request.db.query('select pg_sleep(30)').catch((error: unknown) => error)
      return {}
    })
    await callAndLeave(port, '/do', running)
    await eventually(() => ended !== undefined)
    await allReturned()
    expect(await rows()).toEqual([])
  })

  it('takes no connection for a request that fails validation', async () => {
    const before = db.stats().nodes[0]!.queries
    app = Fastify()
    await app.register(sluicePlugin, { db, close: false })
    const schema = { querystring: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } } }
    app.post('/do', { transaction: true, schema }, async (request) => insert(request, 1))
    expect((await app.inject({ method: 'POST', url: '/do' })).statusCode).toBe(400)
    expect(db.stats().nodes[0]!.queries).toBe(before)
  })

  it('throws for what comes after the answer', async () => {
    let late: unknown
    const port = await listening(async (request, reply) => {
      await insert(request, 1)
      await reply.send({})
      late = await insert(request, 2).catch((error: unknown) => error)
    })
    expect(await call(port, '/do')).toMatchObject({ status: 200 })
    await eventually(() => late !== undefined)
    expect(late).toBeInstanceOf(TransactionClosedError)
    expect(await rows()).toEqual([1])
  })
})

describe('the plugin', () => {
  it('reaches into encapsulated contexts, and has no transaction where none was asked for', async () => {
    app = Fastify()
    await app.register(sluicePlugin, { db, close: false })
    await app.register(async (child) => {
      child.get('/plain', async (request) => ({ one: await request.db.value('select 1'), same: child.db === db }))
      child.get('/none', async (request) => request.transaction.value('select 1'))
    })
    expect((await app.inject('/plain')).json()).toEqual({ one: 1, same: true })
    expect((await app.inject('/none')).json()).toMatchObject({ message: 'this route has no transaction: give it the option { transaction: true }' })
  })

  it('serves operators, and keeps numbers from those who may not see them', async () => {
    app = Fastify()
    await app.register(sluicePlugin, { db, close: false, operations: { prefix: '/ops', authorize: ({ headers }) => headers['x-key'] === 'secret' } })
    expect((await app.inject('/ops/health/live')).json()).toEqual({ status: 'ok' })
    expect((await app.inject('/ops/health/ready')).statusCode).toBe(200)
    expect((await app.inject('/ops/health/database')).statusCode).toBe(403)
    expect((await app.inject({ url: '/ops/health/database', headers: { 'x-key': 'secret' } })).json()).toMatchObject({ status: 'ok' })
  })

  it('closes the database with the server, and says what is missing without one', async () => {
    const own = await Database.open(server.primaryUrl)
    app = Fastify()
    await app.register(sluicePlugin, { db: own })
    await app.ready()
    await app.close()
    await expect(own.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED' })
    app = Fastify()
    await expect(app.register(sluicePlugin, {} as SluicePluginOptions)).rejects.toMatchObject({ code: 'SLUICE_CONFIG', option: 'db' })
  })
})
