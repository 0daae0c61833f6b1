import { afterEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/core/errors.js'
import { Database } from '../../../src/facade/database.js'
import { sql } from '../../../src/sql/tag.js'

/** Never connected: a wrong call is refused before anything is opened. */
const db = new Database('postgres://app@127.0.0.1:1/shop')
const work = async (): Promise<number> => Promise.resolve(1)
const wrong = (value: unknown): never => value as never

afterEach(() => { expect(db.stats().nodes[0]?.connectFailures).toBe(0) })

async function refused(call: () => unknown): Promise<ConfigError> {
  const error: unknown = await (async () => call())().then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  return error as ConfigError
}

describe('a wrong call is refused before anything is sent', () => {
  it.each([
    ['a time as a text', 'timeoutMs', () => db.query('select 1', [], { timeoutMs: wrong('5s') })],
    ['a negative time', 'timeoutMs', () => db.query('select 1', { timeoutMs: -5 })],
    ['a time that is no number', 'timeoutMs', () => db.execute('select 1', { timeoutMs: NaN })],
    ['an unknown role', 'target', () => db.one('select 1', { target: wrong('slave') })],
    ['a signal that is none', 'signal', () => db.many('select 1', { signal: wrong({}) })],
    ['a schema that is none', 'schema', () => db.maybeOne('select 1', { schema: wrong({ parse: work }) })],
    ['a schema of a value that is none', 'schema', () => db.value('select 1', { schema: wrong(5) })],
    ['a batch size of nothing', 'batchSize', () => db.stream('select 1', { batchSize: 0 })[Symbol.asyncIterator]().next()],
    ['an unknown name', 'timeout', () => db.query('select 1', wrong({ timeout: 5 }))],
    ['options bound to a face', 'targt', () => db.with(wrong({ targt: 'primary' }))],
    ['no SQL', 'sql', () => db.query(wrong(undefined))],
    ['SQL in an object', 'sql', () => db.one(wrong({ text: 'select 1', values: [] }))],
    ['no SQL to explain', 'sql', () => db.explainRoute(wrong(null))],
    ['a parameter that is no list', 'params', () => db.query('select $1', wrong('x'))],
    ['parameters that are null', 'params', () => db.query('select $1', wrong(null))],
    ['parameters by name beside options', 'params', () => db.query('select :id', wrong({ id: 1 }), {})],
    ['parameters beside a fragment', 'params', () => db.query(sql`select ${1}`, [1])],
    ['a batch that is no list', 'the first argument of batch', () => db.batch(wrong('select 1'))],
    ['a transaction without work', 'the first argument', () => db.transaction(wrong(undefined))],
    ['a connection without work', 'the first argument', () => db.connection(wrong('select 1'))],
    ['an unknown isolation level', 'isolationLevel', () => db.transaction(work, { isolationLevel: wrong('serialisable') })],
    ['retries below none', 'retries', () => db.transaction(work, { retries: -1 })],
    ['an unknown option of a transaction', 'isolation', () => db.begin(wrong({ isolation: 'serializable' }))],
    ['a replica for a transaction that may write', 'readOnly', () => db.transaction(work, { target: 'replica' })],
    ['an unknown option of a connection', 'readOnly', () => db.connection(work, wrong({ readOnly: true }))],
    ['an unknown option of a plan', 'analyse', () => db.explain('select 1', [], wrong({ analyse: true }))],
  ])('%s', async (_, option, call) => {
    const error = await refused(call)
    expect(error.option).toBe(option)
    expect(error.message).toMatch(new RegExp(`^${option}: expected .+, got .+`))
    expect(error.neverSent).toBe(true)
  })

  it('and says what was probably meant', async () => {
    expect((await refused(() => db.query('select 1', wrong({ tiemoutMs: 5 })))).hint).toBe("did you mean 'timeoutMs'?")
  })

  it('and shows no value that came in the place of something else', async () => {
    const error = await refused(() => db.query('select $1', wrong('secret-value')))
    expect(`${error.message} ${String(error.hint)}`).not.toContain('secret-value')
  })
})
