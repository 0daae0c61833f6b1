import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError, Database } from '../../../src/index.js'
import { requestTransaction } from '../../../src/http/express.js'
import { dashboard, operationsListener } from '../../../src/http/index.js'
import { sluicePlugin } from '../../../src/http/fastify.js'
import Fastify from 'fastify'

const db = new Database('postgres://app@127.0.0.1:1/shop')
afterAll(() => db.close())

/** As JavaScript calls it: no compiler has looked at the names. */
const untyped = (options: object): never => options as never

describe('options of what is mounted', () => {
  it('does not leave routes open because authorize is misspelled', () => {
    expect(() => operationsListener(db, untyped({ authorise: () => false }))).toThrow(expect.objectContaining({ name: 'ConfigError', hint: "did you mean 'authorize'?" }))
    expect(() => operationsListener(db, untyped({ authorize: 'nobody' }))).toThrow('authorize: expected a function')
    expect(() => dashboard(db, untyped({ auth: () => false }))).toThrow(ConfigError)
    expect(() => operationsListener(db, { prefix: '/internal', authorize: undefined })).not.toThrow()
  })

  it('refuses an unknown or unfitting option of a transaction, when it is mounted', () => {
    expect(() => requestTransaction(db, untyped({ isolation: 'serializable' }))).toThrow('isolation: expected a known option')
    expect(() => requestTransaction(db, untyped({ retries: 3 }))).toThrow('retries: expected a known option')
    expect(() => requestTransaction(db, untyped({ streams: 'wait' }))).toThrow("streams: expected one of 'reject', 'commit-first'")
    expect(() => requestTransaction(db, { isolationLevel: 'serializable', streams: 'commit-first', commitOn: () => true, timeoutMs: 5 })).not.toThrow()
  })

  it('refuses them with Fastify too', async () => {
    const guarded = Fastify()
    await expect(guarded.register(sluicePlugin, { db, close: false, operations: untyped({ authorise: () => false }) }).ready()).rejects.toThrow('authorise: expected a known option')
    const app = Fastify()
    await app.register(sluicePlugin, { db, close: false })
    expect(() => app.get('/', { transaction: untyped({ isolation: 'serializable' }) }, () => 1)).toThrow('isolation: expected a known option')
    await app.close()
  })
})
