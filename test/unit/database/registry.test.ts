import { describe, expect, it } from 'vitest'
import { ConfigError, Database, registerDriver, StatementNotAllowedError, type Driver } from '../../../src/index.js'
import { FakeServer, fakeResult } from '../../../src/testing/index.js'

const thrown = (call: () => unknown): ConfigError => {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return error as ConfigError
  }
  throw new Error('expected an error, got none')
}

describe('registerDriver', () => {
  it.each([
    ['nothing', undefined], ['an empty object', {}], ['a driver without connect()', { dialect: new FakeServer().driver.dialect }],
    ['a driver without a dialect', { connect: () => undefined }],
  ])('refuses %s, and every other database can still be made', async (_, driver) => {
    expect(thrown(() => { registerDriver('broken', driver as Driver) })).toMatchObject({ option: 'driver' })
    await new Database('postgres://app@127.0.0.1:1/shop').close()
  })

  it('refuses a scheme that is taken or none', () => {
    const { driver } = new FakeServer()
    expect(thrown(() => { registerDriver('postgres', driver) })).toMatchObject({ option: 'scheme' })
    expect(thrown(() => { registerDriver('Bad Scheme:', driver) })).toMatchObject({ option: 'scheme' })
  })

  it('adds an engine that databases of its scheme run on', async () => {
    const server = new FakeServer()
    server.respond('select 1', () => fakeResult([{ one: 1 }]))
    registerDriver('fake-engine', server.driver)
    const db = await Database.open('fake-engine://localhost:7/shop')
    expect((await db.query('select 1')).rows).toEqual([{ one: 1 }])
    await db.close()
    expect(server.open).toEqual([])
  })
})

describe('new Database', () => {
  it.each([
    ['a URL parameter nobody knows', { primary: 'postgres://app@db/shop?sslmod=require' }, 'sslmod'],
    ['one of a replica', { primary: 'postgres://app@db/shop', replicas: ['postgres://db2/shop?keepalive=1'] }, 'keepalive'],
    ['an option of the npm client that the driver sets itself', { primary: 'postgres://app@db/shop', driverOptions: { ssl: true } }, 'driverOptions.ssl'],
  ])('refuses %s', (_, options, option) => {
    expect(thrown(() => new Database(options)).option).toBe(option)
  })

  it('is not healthy any more when it was closed', async () => {
    const server = new FakeServer()
    registerDriver('fake-health', server.driver)
    const db = await Database.open('fake-health://localhost:7/shop')
    expect(db.health.isHealthy()).toBe(true)
    await db.close()
    expect(db.health.isHealthy()).toBe(false)
    expect((await db.health.check()).healthy).toBe(false)
  })
})

describe('a statement that needs more than a pooled connection', () => {
  const db = new Database('postgres://app@127.0.0.1:1/shop')
  it.each([
    ["set search_path = 'x'", 'SLUICE_SESSION_STATEMENT', 'db.connection()'],
    ['select 1; listen x', 'SLUICE_SESSION_STATEMENT', 'db.connection()'],
    ['begin', 'SLUICE_TRANSACTION_STATEMENT', 'db.transaction()'],
    ['select 1; commit', 'SLUICE_TRANSACTION_STATEMENT', 'db.transaction()'],
  ])('%s is refused, and the message names what to use', async (text, code, instead) => {
    const error: unknown = await db.query(text).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StatementNotAllowedError)
    expect(error).toMatchObject({ code, neverSent: true, message: expect.stringContaining(instead) as string })
  })
})
