import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ConnectSettings, Connection, ConnectionTarget } from '../../../src/core/driver.js'
import { statement } from '../../../src/core/statement.js'
import { postgres } from '../../../src/drivers/postgres/index.js'
import { BareServer, until } from '../../support/postgres-server.js'
import { makeCertificate } from '../../support/tls.js'
import { WireProxy } from '../../support/wire-proxy.js'

let server: BareServer
let standby: BareServer
const opened: Connection[] = []
const warnings: string[] = []
const onWarning = (warning: Error): void => { warnings.push(`${warning.name}: ${warning.message}`) }

beforeAll(async () => {
  process.on('warning', onWarning)
  server = await BareServer.start()
  const connection = await open()
  await connection.query(statement('create role ordinary login; create table t (id int primary key, v text); create unlogged table u (id int)'))
  await connection.close()
  standby = await server.makeStandby()
})
afterAll(async () => {
  await standby.stop()
  await server.stop()
  process.off('warning', onWarning)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()))
  expect(warnings).toEqual([])
})

async function open(target: Partial<ConnectionTarget> = {}, settings: Partial<ConnectSettings> = {}): Promise<Connection> {
  const connection = await postgres.connect(server.connectSettings(target, settings))
  opened.push(connection)
  return connection
}

const onStandby = (settings: Partial<ConnectSettings> = {}): Promise<Connection> =>
  open({ hosts: [{ host: '127.0.0.1', port: standby.port }] }, settings)

const run = (connection: Connection, text: string, params: unknown[] = [], prepare = false): ReturnType<Connection['query']> =>
  connection.query(statement(text, params, prepare))

async function kindOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(() => 'no error', (error: unknown) => postgres.dialect.describeError(error).kind)
}

describe('several statements in one text', () => {
  test('give the last one\'s result', async () => {
    const result = await run(await open(), 'select 1 as a; select 2 as b')
    expect(result).toMatchObject({ rows: [{ b: 2 }], fields: [{ name: 'b' }], command: 'SELECT' })
  })

  test('that fail after a BEGIN leave the connection in a transaction, and it knows', async () => {
    const connection = await open()
    expect(await kindOf(run(connection, 'begin; select 1/0'))).toBe('data')
    expect(connection.idle).toBe(false)
    await connection.reset?.()
    expect(connection.idle).toBe(true)
  })
})

describe('results', () => {
  test('of statements without rows', async () => {
    const connection = await open()
    expect(await run(connection, 'create temporary table x (id int)')).toEqual({ rows: [], rowCount: 0, fields: [], command: 'CREATE' })
    expect(await run(connection, '')).toEqual({ rows: [], rowCount: 0, fields: [], command: '' })
    expect(await run(connection, 'insert into x values (1), (2) returning id')).toMatchObject({ rowCount: 2, command: 'INSERT', rows: [{ id: 1 }, { id: 2 }] })
  })

  test('the types setting decides about int8, and own parsers about everything', async () => {
    const sql = "select 1::int8 as i, '2026-11-20'::date as d"
    expect((await run(await open({}, { types: { bigint: 'bigint' } }), sql)).rows).toEqual([{ i: 1n, d: '2026-11-20' }])
    const types = { getTypeParser: () => (text: string) => `own ${text}` }
    expect((await run(await open({ driverOptions: { types } }), sql)).rows).toEqual([{ i: 'own 1', d: 'own 2026-11-20' }])
  })

  test('a value that does not fit a number is an error after which the connection goes on', async () => {
    const connection = await open({}, { types: { bigint: 'number' } })
    await expect(run(connection, 'select 9007199254740993 as i')).rejects.toMatchObject({ code: 'SLUICE_QUERY' })
    expect((await run(connection, 'select 5::int8 as i')).rows).toEqual([{ i: 5 }])
  })
})

describe('a stream', () => {
  const read = async (connection: Connection, text: string): Promise<number> => {
    let rows = 0
    for await (const batch of connection.stream?.(statement(text), { batchSize: 2 }) ?? []) rows += batch.length
    return rows
  }

  test('of a value its parser refuses ends with that error, and leaves the connection usable', async () => {
    const connection = await open({}, { types: { bigint: 'number' } })
    await expect(read(connection, 'select 9007199254740993::int8 from generate_series(1, 5)')).rejects.toThrow(/does not fit/)
    expect((await run(connection, 'select 1 as a')).rows).toEqual([{ a: 1 }])
  })

  test.each([['copy (select 1) to stdout', 'no error'], ['copy t from stdin', 'cancelled']])('of a COPY ends, and leaves the connection usable: %s', async (text, kind) => {
    const connection = await open()
    expect(await kindOf(read(connection, text))).toBe(kind)
    expect((await run(connection, 'select 1 as a')).rows).toEqual([{ a: 1 }])
  })
})

describe('prepared statements', () => {
  test('a stale plan inside a transaction is an error, after it everything works', async () => {
    const connection = await open()
    await run(connection, 'create table stale (a int)')
    await run(connection, 'select * from stale', [], true)
    await run(connection, 'begin')
    await run(connection, 'alter table stale add column b int')
    expect(await kindOf(run(connection, 'select * from stale', [], true))).toBe('stale-plan')
    await run(connection, 'rollback')
    await run(connection, 'alter table stale add column c int')
    expect((await run(connection, 'select * from stale', [], true)).fields).toHaveLength(2)
    await run(connection, 'drop table stale')
  })

  test('that the session has thrown away are prepared again', async () => {
    const connection = await open()
    await run(connection, 'select $1::int', [1], true)
    await run(connection, 'deallocate all')
    expect((await run(connection, 'select $1::int as v', [2], true)).rows).toEqual([{ v: 2 }])
    expect((await run(connection, 'select $1::int', [3], true)).rowCount).toBe(1)
    await run(connection, 'begin')
    await run(connection, 'deallocate all')
    expect(await kindOf(run(connection, 'select $1::int', [4], true))).toBe('unknown-statement')
    await run(connection, 'rollback')
    expect((await run(connection, 'select $1::int', [5], true)).rowCount).toBe(1)
  })

  test('a text that cannot be parsed is no obstacle for the next one', async () => {
    const connection = await open({}, { maxPreparedStatements: 1 })
    expect(await kindOf(run(connection, 'selec', [], true))).toBe('syntax')
    expect(await kindOf(run(connection, 'selec', [], true))).toBe('syntax')
    expect((await run(connection, 'select 1', [], true)).rowCount).toBe(1)
    expect(await kindOf(run(connection, 'selec', [], true))).toBe('syntax')
    expect((await run(connection, 'select 1', [], true)).rowCount).toBe(1)
  })
})

describe('messages hold no parameter values', () => {
  const secret = 'hunter2-hunter2'
  test.each([
    'select $1::int', 'select $1::numeric', 'select $1::date', 'select $1::timestamptz', 'select $1::uuid', 'select $1::json', 'select $1::jsonb',
    'select $1::boolean', 'select $1::inet', 'select $1::interval', 'select $1::int[]', 'select $1::regclass', 'select $1::regtype',
    'select $1::regrole', 'select nextval($1)', "select set_config('nonsense', $1, false)", "select set_config('timezone', $1, false)",
    'select xmlparse(document $1)', "select decode($1, 'hex')", "select to_date($1, 'YYYY')", "select encode('x', $1)", 'select date_trunc($1, now())',
    'select pg_get_functiondef($1::regproc)', 'select $1::bit', 'select $1::point', 'select jsonb_path_query(\'{}\', $1::jsonpath)',
    "select 'x' ~ ($1 || '(')", 'select lo_import($1)',
  ])('%s', async (text) => {
    const error: unknown = await run(await open(), text, [secret]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(postgres.dialect.describeError(error).message).not.toContain('hunter2')
  })
})

describe('a standby', () => {
  test.each([
    "insert into t values (1, 'x')", 'create table never (id int)', 'begin isolation level serializable; select 1', 'select * from u', 'select pg_current_wal_lsn()',
    'select lo_create(0)', 'vacuum t', 'create temporary table x (id int)', 'select pg_current_xact_id()',
  ])('refuses "%s" as a read-only server does', async (text) => {
    expect(await kindOf(run(await onStandby(), text))).toBe('read-only')
  })

  test('says of itself that it is one, to an ordinary role too', async () => {
    const { node } = postgres.dialect.probes
    for (const user of ['postgres', 'ordinary']) {
      const [primary, replica] = await Promise.all([
        open({ user }), open({ user, hosts: [{ host: '127.0.0.1', port: standby.port }] }),
      ])
      const ahead = node.read((await primary.query(node.statement)).rows)
      const behind = node.read((await replica.query(node.statement)).rows)
      expect(ahead).toMatchObject({ role: 'primary', lagMs: 0, timeline: 1 })
      expect(behind).toMatchObject({ role: 'replica', timeline: 1, systemId: ahead.systemId })
      expect(postgres.dialect.probes.distance?.(ahead.position ?? '', behind.position ?? '')).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('failures of the connection', () => {
  test('a cut line rejects what is running and marks the connection, without an uncaught error', async () => {
    const proxy = await WireProxy.start(server.port)
    const connection = await open({ hosts: [{ host: '127.0.0.1', port: proxy.port }] })
    const running = kindOf(run(connection, 'select pg_sleep(20)'))
    proxy.cut()
    expect(await running).toBe('lost')
    expect([connection.broken, connection.inFlight]).toEqual([true, 0])
    await proxy.stop()
  })

  test('a cut line ends a stream that waits for its consumer', async () => {
    const proxy = await WireProxy.start(server.port)
    const connection = await open({ hosts: [{ host: '127.0.0.1', port: proxy.port }] })
    const rows = connection.stream?.(statement('select generate_series(1, 1000) n'), { batchSize: 10 })
    const early = connection.stream && (async () => {
      for await (const batch of rows ?? []) {
        expect(batch).toHaveLength(10)
        proxy.cut()
        await until(() => connection.broken, 'the connection to notice')
      }
    })()
    expect(await kindOf(early ?? Promise.resolve())).toBe('lost')
    expect(connection.inFlight).toBe(0)
    await proxy.stop()
  })

  test('leaving a stream on a lost connection does not wait for ever', async () => {
    const connection = await open()
    for await (const batch of connection.stream?.(statement('select generate_series(1, 1000) n'), { batchSize: 10 }) ?? []) {
      expect(batch).toHaveLength(10)
      connection.destroy()
      break
    }
    expect([connection.broken, connection.inFlight]).toEqual([true, 0])
  })

  test('the server ends a statement whose client has gone, long before the statement would', async () => {
    const connection = await open({}, { statementTimeoutMs: 200 })
    const watcher = await open()
    const sessions = `select wait_event from pg_stat_activity where pid = ${String(connection.id)}`
    const running = kindOf(run(connection, 'select pg_sleep(20)'))
    const sleeping = `${sessions} and wait_event = 'PgSleep'`
    await until(async () => (await run(watcher, sleeping)).rowCount === 1, 'the statement to run')
    connection.destroy()
    expect(await running).toBe('lost')
    await until(async () => (await run(watcher, sessions)).rowCount === 0, 'the server to notice')
  })

  test('closing does not wait for a running statement', async () => {
    const connection = await open()
    const running = kindOf(run(connection, 'select pg_sleep(20)'))
    await connection.close()
    expect(await running).toBe('lost')
  })
})

describe('cancelling', () => {
  test('a session under TLS never shows its key in the clear', async () => {
    const authority = makeCertificate({ commonName: 'authority', authority: true })
    await server.useCertificate(makeCertificate({ commonName: 'db', names: ['IP:127.0.0.1'], issuer: authority }))
    const firsts: string[] = []
    const proxy = await WireProxy.start(server.port, { onFirstBytes: (bytes) => { firsts.push(bytes.toString('hex')); return undefined } })
    const connection = await open({ hosts: [{ host: '127.0.0.1', port: proxy.port }], tls: { mode: 'verify-full', ca: authority.cert } })
    const running = kindOf(run(connection, 'select pg_sleep(20)'))
    const watcher = await open()
    const sleeping = `select 1 from pg_stat_activity where pid = ${String(connection.id)} and wait_event = 'PgSleep'`
    await until(async () => (await run(watcher, sleeping)).rowCount === 1, 'the statement to run')
    await connection.cancel?.()
    expect(await running).toBe('cancelled')
    const sslRequest = '0000000804d2162f'
    expect(firsts).toEqual([sslRequest, sslRequest])
    await proxy.stop()
  })

  test('a request that cannot be delivered is an error, in bounded time', async () => {
    const silent = await WireProxy.start(server.port, {})
    const connection = await open({ hosts: [{ host: '127.0.0.1', port: silent.port }] }, { connectTimeoutMs: 300 })
    await connection.ping()
    connection.destroy()
    await silent.stop()
    expect(await kindOf(connection.cancel?.() ?? Promise.resolve())).toBe('refused')
  })
})
