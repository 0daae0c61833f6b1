import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'

const database = await freshDatabase()
await database.admin('create table t (n int); grant all on t to public')

const proxies: FlakyProxy[] = []
const clients: pg.Client[] = []

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close()
  for (const client of clients.splice(0)) await client.end().catch(() => {})
})

async function start(): Promise<FlakyProxy> {
  const proxy = await flakyProxy({ target: database.primaryUrl })
  proxies.push(proxy)
  return proxy
}

/** A session through the proxy, and how it ended, if it did. */
async function session(proxy: FlakyProxy, config: pg.ClientConfig = {}): Promise<{ client: pg.Client, errors: Error[] }> {
  const client = new pg.Client({ connectionString: proxy.url, ...config })
  const errors: Error[] = []
  client.on('error', (error) => errors.push(error))
  clients.push(client)
  await client.connect()
  return { client, errors }
}

const rows = async (): Promise<unknown> => (await database.admin('select count(*)::int as n from t'))[0]?.['n']

test('passes everything, large results and long statements included', async () => {
  const { client } = await session(await start())
  const text = 'x'.repeat(3_000_000)
  const result = await client.query<{ text: string, n: number }>('select $1::text as text, generate_series(1, 3) as n', [text])
  expect(result.rows.map(({ n }) => n)).toEqual([1, 2, 3])
  expect(result.rows[2]!.text === text).toBe(true)
})

test.each([
  ['as a simple query', (client: pg.Client) => client.query('commit')],
  ['as a prepared statement', (client: pg.Client) => client.query({ name: 'c', text: 'COMMIT' })],
  ['inside a longer query', (client: pg.Client) => client.query('insert into t values (2); commit; select 1')],
])('cuts before the answer to COMMIT %s: the client has lost it, the server has committed', async (_how, commit) => {
  const proxy = await start()
  const before = Number(await rows())
  const { client } = await session(proxy)
  const cut = proxy.cutBefore('commit-answer')
  await client.query('begin')
  await client.query('insert into t values (1)')
  await expect(commit(client)).rejects.toThrow(/Connection terminated/)
  await cut.done
  expect(cut.count).toBe(1)
  await eventually(async () => Number(await rows()) > before)
  const second = await session(proxy)
  await second.client.query('begin; commit')
})

test('cuts before the COMMIT itself reaches the server: nothing is committed', async () => {
  const proxy = await start()
  const before = await rows()
  const { client } = await session(proxy)
  proxy.cutBefore((message) => message.from === 'client' && message.sql?.toLowerCase() === 'commit')
  await client.query('begin')
  await client.query('insert into t values (1)')
  await expect(client.query('commit')).rejects.toThrow(/Connection terminated/)
  expect(await rows()).toBe(before)
})

test('cuts as often as it is told, and not after it was cancelled', async () => {
  const proxy = await start()
  const watch = proxy.cutBefore(({ tag }) => tag === 'SELECT 1', { times: 3 })
  for (const _ of [1, 2]) await expect((await session(proxy)).client.query('select 1')).rejects.toThrow()
  expect(watch.count).toBe(2)
  watch.cancel()
  await (await session(proxy)).client.query('select 1')
})

test('cut ends open connections and lets new ones in', async () => {
  const proxy = await start()
  const { errors } = await session(proxy)
  expect(proxy.connections).toBe(1)
  proxy.cut()
  await eventually(() => errors.length === 1)
  expect(errors[0]!.message).toMatch(/Connection terminated unexpectedly/)
  await eventually(() => proxy.connections === 0)
  await (await session(proxy)).client.query('select 1')
  expect(proxy.accepted).toBe(2)
})

test('reset resets: the client sees ECONNRESET', async () => {
  const proxy = await start()
  const { errors } = await session(proxy)
  proxy.reset()
  await eventually(() => errors.length > 0)
  expect(errors[0]).toMatchObject({ code: 'ECONNRESET' })
})

test('refuse turns new connections away, open ones go on, restore lets them in on the same port', async () => {
  const proxy = await start()
  const { client } = await session(proxy)
  const { port } = proxy
  await proxy.refuse()
  await expect(session(proxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await client.query('select 1')
  await proxy.restore()
  expect(proxy.port).toBe(port)
  await session(proxy)
})

test('a black hole answers nobody, new or old, until it is restored; then what was sent is answered', async () => {
  const proxy = await start()
  const { client } = await session(proxy)
  proxy.blackHole()
  let answered = false
  const answer = client.query('select 1').then(() => { answered = true })
  await expect(session(proxy, { connectionTimeoutMillis: 300 })).rejects.toThrow(/timeout/)
  expect(answered).toBe(false)
  await proxy.restore()
  await answer
})

test('half open towards the client: the server does the work, the client never hears', async () => {
  const proxy = await start()
  const before = Number(await rows())
  const { client } = await session(proxy)
  proxy.halfOpen('to-client')
  let answered = false
  const answer = client.query('insert into t values (1)').then(() => { answered = true })
  await eventually(async () => await rows() === before + 1)
  expect(answered).toBe(false)
  await proxy.restore()
  await answer
})

test('half open towards the server: it never hears', async () => {
  const proxy = await start()
  const before = Number(await rows())
  const { client } = await session(proxy)
  proxy.halfOpen('to-server')
  const answer = client.query('insert into t values (1)')
  await expect(eventually(async () => await rows() !== before, 300)).rejects.toThrow(/still not true/)
  await proxy.restore()
  await answer
  expect(await rows()).toBe(before + 1)
})

test('delay adds its time to each way, and only while it is on', async () => {
  const proxy = await start()
  const { client } = await session(proxy)
  proxy.delay(100)
  const slowFrom = performance.now()
  await client.query('select 1')
  expect(performance.now() - slowFrom).toBeGreaterThanOrEqual(195)
  proxy.delay({ 'to-client': 100, 'to-server': 0 })
  const halfFrom = performance.now()
  await client.query('select 1')
  expect(performance.now() - halfFrom).toBeGreaterThanOrEqual(98)
  await proxy.restore()
  const fastFrom = performance.now()
  await client.query('select 1')
  expect(performance.now() - fastFrom).toBeLessThan(98)
})

test('throttle lets so many bytes pass per second', async () => {
  const proxy = await start()
  const { client } = await session(proxy)
  proxy.throttle(100_000)
  const startedAt = performance.now()
  await client.query("select repeat('x', 50000)")
  const tookMs = performance.now() - startedAt
  expect(tookMs).toBeGreaterThan(400)
  expect(tookMs).toBeLessThan(3_000)
})

test('a server that cannot be reached ends the connection', async () => {
  const proxy = await flakyProxy({ target: { host: '127.0.0.1', port: 1 } })
  proxies.push(proxy)
  expect(proxy.url).toBe(`tcp://127.0.0.1:${proxy.port}`)
  await expect(session(proxy, { connectionString: `postgres://x@127.0.0.1:${proxy.port}/x` })).rejects.toThrow(/terminated|ECONNRESET/)
  await eventually(() => proxy.connections === 0)
})
