import { describe, expect, it } from 'vitest'
import type { ErrorFacts, ErrorKind } from '../../../src/core/error-facts.js'
import * as errors from '../../../src/core/errors.js'
import { errorFromFacts } from '../../../src/core/explain.js'
import { NoRowsError } from '../../../src/core/row-errors.js'

const facts = (kind: ErrorKind, more: Partial<ErrorFacts> = {}): ErrorFacts => ({
  kind, serverCode: 'XX000', message: 'something happened', connectionLost: false, transient: false, ...more,
})

/** Every kind, so that a new one cannot be forgotten: the compiler asks for it. */
const EXPECTED: Record<ErrorKind, string> = {
  'unique': 'SLUICE_CONSTRAINT', 'foreign-key': 'SLUICE_CONSTRAINT', 'not-null': 'SLUICE_CONSTRAINT', 'check': 'SLUICE_CONSTRAINT',
  'exclusion': 'SLUICE_CONSTRAINT', 'deadlock': 'SLUICE_DEADLOCK', 'serialization': 'SLUICE_SERIALIZATION',
  'lock-timeout': 'SLUICE_LOCK_TIMEOUT', 'cancelled': 'SLUICE_QUERY_CANCELLED', 'read-only': 'SLUICE_READ_ONLY_NODE',
  'aborted-transaction': 'SLUICE_TRANSACTION_ROLLED_BACK', 'syntax': 'SLUICE_QUERY', 'unknown-object': 'SLUICE_QUERY', 'duplicate-object': 'SLUICE_QUERY',
  'permission': 'SLUICE_QUERY', 'data': 'SLUICE_QUERY', 'refused': 'SLUICE_CONNECTION_REFUSED',
  'connect-timeout': 'SLUICE_CONNECT_TIMEOUT', 'lost': 'SLUICE_CONNECTION_LOST', 'starting': 'SLUICE_SERVER_STARTING',
  'shutting-down': 'SLUICE_SERVER_SHUTTING_DOWN', 'authentication': 'SLUICE_AUTHENTICATION',
  'unknown-database': 'SLUICE_UNKNOWN_DATABASE', 'too-many-connections': 'SLUICE_TOO_MANY_CONNECTIONS', 'tls': 'SLUICE_TLS',
  'host-unknown': 'SLUICE_HOST_UNKNOWN', 'stale-plan': 'SLUICE_QUERY', 'unknown-statement': 'SLUICE_QUERY', 'other': 'SLUICE_QUERY',
}

describe('errorFromFacts', () => {
  it.each(Object.entries(EXPECTED))('makes of kind %s an error with code %s', (kind, code) => {
    const cause = new Error('from the client')
    const error = errorFromFacts(facts(kind as ErrorKind), cause, { node: 'db1:5432', sql: 'select $1' })
    expect(error).toMatchObject({ code, cause, node: 'db1:5432', sql: 'select $1', message: 'db1:5432: something happened' })
    expect(error).toBeInstanceOf(errors.SluiceError)
  })

  it('takes what the engine knows about transience and the connection', () => {
    expect(errorFromFacts(facts('lost', { connectionLost: true, transient: true }), undefined)).toMatchObject({ connectionLost: true, transient: true })
    expect(errorFromFacts(facts('other'), undefined)).toMatchObject({ connectionLost: false, transient: false })
  })

  it('carries over that a statement was never sent', () => {
    expect(errorFromFacts(facts('refused'), undefined, { neverSent: true }).neverSent).toBe(true)
    expect(errorFromFacts(facts('refused'), undefined).neverSent).toBe(false)
  })

  it('names constraint, table and columns of a broken constraint', () => {
    const error = errorFromFacts(facts('foreign-key', { constraint: 'orders_user_fk', table: 'orders', columns: ['user_id'] }), undefined)
    expect(error).toBeInstanceOf(errors.ConstraintError)
    expect(error).toMatchObject({ kind: 'foreignKey', constraint: 'orders_user_fk', table: 'orders', columns: ['user_id'] })
  })

  it('keeps the server\'s code of a plain query error', () => {
    expect(errorFromFacts(facts('syntax', { serverCode: '42601' }), undefined)).toMatchObject({ serverCode: '42601' })
  })

  it('says which connection failures waiting does not mend', () => {
    for (const kind of ['authentication', 'unknown-database', 'tls'] as const) {
      expect(errorFromFacts(facts(kind), undefined)).toMatchObject({ permanent: true })
    }
    expect(errorFromFacts(facts('refused'), undefined)).toMatchObject({ permanent: false })
  })

  it('gives a hint where one helps', () => {
    expect(errorFromFacts(facts('too-many-connections'), undefined).hint).toMatch('pool.max')
    expect(errorFromFacts(facts('data'), undefined).hint).toBeUndefined()
  })

  it('leaves the message alone where no node is known', () => {
    expect(errorFromFacts(facts('data'), undefined).message).toBe('something happened')
  })

  it('does not wrap an error of this library again', () => {
    const own = new NoRowsError('no row')
    expect(errorFromFacts(facts('other'), own)).toBe(own)
  })

  it('adds the node to a connection error of the driver, which cannot know its name', () => {
    const own = new errors.ConnectionError('authentication', 'no password is configured', { hint: 'give one' })
    expect(errorFromFacts(facts('authentication'), own, { node: 'db1:5432', neverSent: true })).toMatchObject({
      code: 'SLUICE_AUTHENTICATION', permanent: true, transient: false, node: 'db1:5432', neverSent: true, hint: 'give one',
      message: 'db1:5432: no password is configured',
    })
  })
})
