import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ConnectSettings, Connection, ConnectionTarget } from '../../../src/core/driver.js'
import { statement } from '../../../src/core/statement.js'
import { postgres } from '../../../src/drivers/postgres/index.js'
import { BareServer, until } from '../../support/postgres-server.js'
import { WireProxy, fatalError, withPoolerKeys, type WireProxyHooks } from '../../support/wire-proxy.js'

let server: BareServer
let standby: BareServer
const opened: Connection[] = []
const proxies: WireProxy[] = []

beforeAll(async () => {
  server = await BareServer.start()
  standby = await server.makeStandby()
})
afterAll(async () => {
  await standby.stop()
  await server.stop()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()))
})

async function open(target: Partial<ConnectionTarget> = {}, settings: Partial<ConnectSettings> = {}, signal?: AbortSignal): Promise<Connection> {
  const connection = await postgres.connect(server.connectSettings(target, settings), signal)
  opened.push(connection)
  return connection
}

async function proxied(hooks: WireProxyHooks): Promise<WireProxy> {
  const proxy = await WireProxy.start(server.port, hooks)
  proxies.push(proxy)
  return proxy
}

async function value(connection: Connection, sql: string): Promise<unknown> {
  const { rows: [row] } = await connection.query(statement(sql))
  return Object.values(row ?? {})[0]
}

async function failure(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(() => { throw new Error('expected a failure') }, (error: unknown) => error)
}

const local = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })
const kind = (error: unknown): string => postgres.dialect.describeError(error).kind

describe('a new session', () => {
  test('knows the server, its own backend and its address', async () => {
    const connection = await open()
    expect(connection.id).toBe(await value(connection, 'select pg_backend_pid()'))
    expect(connection.server).toMatchObject({ address: local(server.port), pooled: false })
    expect(connection.server.version).toMatch(/^\d+\.\d+$/)
    expect(connection.server.versionNumber).toBe(Number(await value(connection, 'show server_version_num')))
    expect(connection.idle).toBe(true)
  })

  test('carries the application name, and `sluice` without one', async () => {
    expect(await value(await open(), 'show application_name')).toBe('sluice')
    expect(await value(await open({ applicationName: 'shop' }), 'show application_name')).toBe('shop')
  })

  test('is read-only when asked to be, and stays so after a reset', async () => {
    const connection = await open({}, { readOnly: true })
    await connection.reset?.()
    expect(kind(await failure(connection.query(statement('create table never (id int)'))))).toBe('read-only')
    await connection.query(statement(postgres.dialect.begin({ readOnly: true })))
    await connection.query(statement('rollback'))
  })

  test('leaves the statement timeout alone, so that a longer timeout of a call is not cut, and notices a vanished client', async () => {
    const connection = await open({}, { statementTimeoutMs: 5_000 })
    expect(await value(connection, 'show statement_timeout')).toBe('0')
    expect(await value(connection, 'show client_connection_check_interval')).toBe('2s')
  })

  test('takes settings from URL parameters', async () => {
    const connection = await open({ parameters: { options: '-c search_path=app', lock_timeout: '1500' } }, { readOnly: true })
    expect(await value(connection, 'show search_path')).toBe('app')
    expect(await value(connection, 'show lock_timeout')).toBe('1500ms')
    expect(await value(connection, 'show transaction_read_only')).toBe('on')
  })

  test('refuses parameters and options it does not know before anything is sent', async () => {
    expect(await failure(open({ parameters: { sslmod: 'require' } }))).toMatchObject({ code: 'SLUICE_CONFIG', option: 'sslmod' })
    expect(await failure(open({ driverOptions: { ssl: true } }))).toMatchObject({ code: 'SLUICE_CONFIG', option: 'driverOptions.ssl' })
  })

  test('works over a unix socket', async () => {
    const connection = await open({ hosts: [{ host: server.folder, port: server.port }] })
    expect(await value(connection, 'select inet_client_addr()')).toBe(null)
    const sleeping = connection.query(statement('select pg_sleep(20)')).catch(kind)
    const watcher = await open()
    const state = `select wait_event from pg_stat_activity where pid = ${String(connection.id)}`
    await until(async () => (await value(watcher, state)) === 'PgSleep', 'the statement to run')
    await connection.cancel?.()
    expect(await sleeping).toBe('cancelled')
  })
})

describe('limits', () => {
  test('a server that accepts and never answers is given up in time, without a socket left', async () => {
    const proxy = await proxied({ silent: true })
    const started = performance.now()
    const error = await failure(open({ hosts: [local(proxy.port)] }, { connectTimeoutMs: 200 }))
    expect(kind(error)).toBe('connect-timeout')
    expect(performance.now() - started).toBeLessThan(1_500)
    await until(() => proxy.open === 0, 'the socket to close')
  })

  test('the same while TLS is being asked for', async () => {
    const proxy = await proxied({ silent: true })
    const tls = { mode: 'prefer' } as const
    expect(kind(await failure(open({ hosts: [local(proxy.port)], tls }, { connectTimeoutMs: 200 })))).toBe('connect-timeout')
    await until(() => proxy.open === 0, 'the socket to close')
  })

  test('an abort ends the attempt with the signal\'s reason, without a socket left', async () => {
    const proxy = await proxied({ silent: true })
    const abort = new AbortController()
    const attempt = failure(open({ hosts: [local(proxy.port)] }, {}, abort.signal))
    await until(() => proxy.open === 1, 'the attempt')
    const reason = new Error('enough')
    abort.abort(reason)
    expect(await attempt).toBe(reason)
    await until(() => proxy.open === 0, 'the socket to close')
    expect(await failure(open({}, {}, abort.signal))).toBe(reason)
  })

  test('the limit covers a password function that never answers', async () => {
    const password = (): Promise<string> => new Promise(() => {})
    expect(kind(await failure(open({ password }, { connectTimeoutMs: 100 })))).toBe('connect-timeout')
  })

  test('a connection that is cut while it opens leaves nothing', async () => {
    const proxy = await proxied({ fromServer: () => { proxy.cut(); return Buffer.alloc(0) } })
    expect(kind(await failure(open({ hosts: [local(proxy.port)] })))).toBe('lost')
    await until(() => proxy.open === 0, 'the socket to close')
  })
})

describe('refusals', () => {
  test('nobody listens', async () => {
    const free = createServer()
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
    const { port } = free.address() as { port: number }
    await new Promise((resolve) => free.close(resolve))
    expect(kind(await failure(open({ hosts: [local(port)] })))).toBe('refused')
    expect(kind(await failure(open({ hosts: [{ host: '/nowhere', port: 1 }] })))).toBe('refused')
  })

  test('the name does not exist', async () => {
    expect(kind(await failure(open({ hosts: [{ host: 'no-such-host.invalid', port: 1 }] })))).toBe('host-unknown')
  })

  test('the database does not exist', async () => {
    expect(kind(await failure(open({ database: 'nowhere' })))).toBe('unknown-database')
  })

  test('the server starts, stops, or is full', async () => {
    const answers = [['57P03', 'starting'], ['57P01', 'shutting-down'], ['53300', 'too-many-connections']] as const
    for (const [code, expected] of answers) {
      const proxy = await proxied({ onFirstBytes: () => fatalError(code, 'no') })
      expect(kind(await failure(open({ hosts: [local(proxy.port)] })))).toBe(expected)
    }
  })
})

describe('passwords', () => {
  beforeAll(async () => {
    const connection = await postgres.connect(server.connectSettings())
    await connection.query(statement(`create role rotating login password 'second'`))
    await connection.close()
    server.writeHba(['host all rotating 127.0.0.1/32 scram-sha-256'])
    await server.reload()
  })

  test('a function is asked for every connection', async () => {
    let asked = 0
    const password = async (): Promise<string> => { asked++; return 'second' }
    await open({ user: 'rotating', password })
    await open({ user: 'rotating', password })
    expect(asked).toBe(2)
  })

  test('a function is asked once more when its answer is refused', async () => {
    const answers = ['first', 'second']
    await open({ user: 'rotating', password: () => answers.shift() ?? 'none' })
    expect(answers).toEqual([])
  })

  test('a wrong password fails after that, and a fixed one at once', async () => {
    let asked = 0
    const error = await failure(open({ user: 'rotating', password: () => { asked++; return 'wrong' } }))
    expect([kind(error), asked]).toEqual(['authentication', 2])
    expect(kind(await failure(open({ user: 'rotating', password: 'wrong' })))).toBe('authentication')
  })

  test('a missing password, a failing function and an answer that is no text are told apart', async () => {
    expect(await failure(open({ user: 'rotating' }))).toMatchObject({ code: 'SLUICE_AUTHENTICATION' })
    const failing = (): string => { throw new Error('vault is sealed: hunter2') }
    const error = await failure(open({ user: 'rotating', password: failing }))
    expect(error).toMatchObject({ code: 'SLUICE_CONNECTION', transient: true })
    expect(String(error)).not.toContain('hunter2')
    const password = (() => undefined) as unknown as () => string
    expect(await failure(open({ user: 'rotating', password }))).toMatchObject({ code: 'SLUICE_CONFIG' })
  })
})

describe('several hosts', () => {
  const both = (): ConnectionTarget['hosts'] => [local(standby.port), local(server.port)]

  test.each([
    ['any', true], ['read-write', false], ['primary', false], ['read-only', true], ['standby', true], ['prefer-standby', true],
  ] as const)('target_session_attrs=%s', async (targetSessionAttrs, recovery) => {
    const connection = await open({ hosts: both(), targetSessionAttrs })
    expect(await value(connection, 'select pg_is_in_recovery()')).toBe(recovery)
  })

  test('read-write is found for a session that is itself opened read-only', async () => {
    const connection = await open({ hosts: both(), targetSessionAttrs: 'read-write' }, { readOnly: true })
    expect(await value(connection, 'select pg_is_in_recovery()')).toBe(false)
  })

  test('prefer-standby takes the primary when there is no standby', async () => {
    const connection = await open({ targetSessionAttrs: 'prefer-standby' })
    expect(await value(connection, 'select pg_is_in_recovery()')).toBe(false)
  })

  test('a host that does not answer leaves time for the next one', async () => {
    const proxy = await proxied({ silent: true })
    const connection = await open({ hosts: [local(proxy.port), local(server.port)] }, { connectTimeoutMs: 1_000 })
    expect(connection.server.address).toEqual(local(server.port))
    await until(() => proxy.open === 0, 'the socket to close')
  })

  test('when none is right the error says why for each', async () => {
    const hosts = [local(standby.port), { host: '/nowhere', port: 1 }]
    const error = await failure(open({ hosts, targetSessionAttrs: 'primary' }))
    expect(String(error)).toContain(`127.0.0.1:${String(standby.port)}: the server is a standby`)
    expect(String(error)).toContain('/nowhere/.s.PGSQL.1: connect ENOENT')
  })

  test('a refused login ends the search', async () => {
    const proxy = await proxied({})
    expect(kind(await failure(open({ hosts: [local(server.port), local(proxy.port)], database: 'nowhere' })))).toBe('unknown-database')
    expect(proxy.accepted).toBe(0)
  })
})

describe('a pooler in between', () => {
  test('is noticed; names of prepared statements are not used', async () => {
    const proxy = await proxied({ fromServer: withPoolerKeys })
    const connection = await open({ hosts: [local(proxy.port)] })
    expect(connection.server.pooled).toBe(true)
    await connection.query(statement('select $1::int', [1], true))
    expect(await value(connection, 'select count(*)::int from pg_prepared_statements')).toBe(0)
  })

  test('that refuses start-up settings is asked without them, once and for all, and its session is not changed', async () => {
    const refusing = (bytes: Buffer): Buffer | undefined =>
      bytes.includes('options\0') ? fatalError('08P01', 'unsupported startup parameter: options') : undefined
    const proxy = await proxied({ onFirstBytes: refusing, fromServer: withPoolerKeys })
    const settings = server.connectSettings({ hosts: [local(proxy.port)] }, { readOnly: true })
    opened.push(await postgres.connect(settings))
    expect(proxy.accepted).toBe(2)
    const second = await postgres.connect(settings)
    opened.push(second)
    expect(proxy.accepted).toBe(3)
    expect(await value(second, 'show default_transaction_read_only')).toBe('off')
  })

  test('a server that refuses start-up settings gets them by SET, again after a reset', async () => {
    const refusing = (bytes: Buffer): Buffer | undefined =>
      bytes.includes('options\0') ? fatalError('42704', 'unrecognized configuration parameter') : undefined
    const proxy = await proxied({ onFirstBytes: refusing })
    const connection = await open({ hosts: [local(proxy.port)] }, { readOnly: true })
    expect(await value(connection, 'show default_transaction_read_only')).toBe('on')
    await connection.reset?.()
    expect(await value(connection, 'show default_transaction_read_only')).toBe('on')
  })
})
