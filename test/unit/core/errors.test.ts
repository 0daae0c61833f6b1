import { describe, expect, it } from 'vitest'
import * as base from '../../../src/core/errors.js'
import * as rowErrors from '../../../src/core/row-errors.js'

const errors = { ...base, ...rowErrors }

const SIMPLE = [
  [errors.PoolTimeoutError, 'SLUICE_POOL_TIMEOUT', { transient: true, neverSent: true }],
  [errors.PoolQueueFullError, 'SLUICE_POOL_QUEUE_FULL', { transient: true, neverSent: true }],
  [errors.PoolDeadlockError, 'SLUICE_POOL_DEADLOCK', { transient: false, neverSent: true }],
  [errors.PoolClosedError, 'SLUICE_POOL_CLOSED', { transient: false, neverSent: true }],
  [errors.QueryTimeoutError, 'SLUICE_QUERY_TIMEOUT', { transient: false, neverSent: false }],
  [errors.QueryCancelledError, 'SLUICE_QUERY_CANCELLED', { transient: false, neverSent: false }],
  [errors.NoPrimaryError, 'SLUICE_NO_PRIMARY', { transient: true, neverSent: true }],
  [errors.NoReplicaError, 'SLUICE_NO_REPLICA', { transient: true, neverSent: true }],
  [errors.ReadOnlyNodeError, 'SLUICE_READ_ONLY_NODE', { transient: false, neverSent: false }],
  [errors.DeadlockError, 'SLUICE_DEADLOCK', { transient: true, neverSent: false }],
  [errors.SerializationError, 'SLUICE_SERIALIZATION', { transient: true, neverSent: false }],
  [errors.LockTimeoutError, 'SLUICE_LOCK_TIMEOUT', { transient: true, neverSent: false }],
  [errors.TransactionOutcomeUnknownError, 'SLUICE_OUTCOME_UNKNOWN', { transient: false, neverSent: false, connectionLost: true }],
  [errors.TransactionRolledBackError, 'SLUICE_TRANSACTION_ROLLED_BACK', { transient: false, neverSent: false }],
  [errors.TransactionClosedError, 'SLUICE_TRANSACTION_CLOSED', { transient: false, neverSent: true }],
  [errors.NoRowsError, 'SLUICE_NO_ROWS', { transient: false, neverSent: false }],
  [errors.TooManyRowsError, 'SLUICE_TOO_MANY_ROWS', { transient: false, neverSent: false }],
] as const

describe('errors', () => {
  it.each(SIMPLE)('%o has its code, its class name and its facts', (ErrorClass, code, facts) => {
    const error = new ErrorClass('what happened')
    expect(error).toMatchObject({ code, name: ErrorClass.name, message: 'what happened', ...facts })
    expect(error).toBeInstanceOf(errors.SluiceError)
    expect(error).toBeInstanceOf(Error)
  })

  it('carry the facts they are given', () => {
    const cause = new Error('socket')
    const error = new errors.QueryTimeoutError('late', { cause, node: 'db1', sql: 'select 1', hint: 'wait', transient: true, connectionLost: true })
    expect(error).toMatchObject({ cause, node: 'db1', sql: 'select 1', hint: 'wait', transient: true, connectionLost: true })
  })

  it('have no cause property when there is none', () => {
    expect(Object.hasOwn(new errors.NoRowsError('none'), 'cause')).toBe(false)
  })

  it('let the thrower overrule what is usual for the class', () => {
    expect(new errors.PoolTimeoutError('x', { neverSent: false }).neverSent).toBe(false)
  })

  it('name the option of a configuration error', () => {
    expect(new errors.ConfigError('pool.max: expected a number', { option: 'pool.max' })).toMatchObject({
      code: 'SLUICE_CONFIG', option: 'pool.max', neverSent: true,
    })
  })

  it('list the known engines when the scheme is unknown', () => {
    const error = new errors.UnknownEngineError('oracle', ['postgres', 'mysql'])
    expect(error).toMatchObject({ code: 'SLUICE_UNKNOWN_ENGINE', scheme: 'oracle', known: ['postgres', 'mysql'] })
    expect(error.message).toBe("unknown engine 'oracle:'; known: postgres: mysql:")
  })

  it.each([
    ['refused', 'SLUICE_CONNECTION_REFUSED', false], ['timeout', 'SLUICE_CONNECT_TIMEOUT', false], ['lost', 'SLUICE_CONNECTION_LOST', false],
    ['host-unknown', 'SLUICE_HOST_UNKNOWN', false], ['starting', 'SLUICE_SERVER_STARTING', false],
    ['shutting-down', 'SLUICE_SERVER_SHUTTING_DOWN', false], ['authentication', 'SLUICE_AUTHENTICATION', true],
    ['unknown-database', 'SLUICE_UNKNOWN_DATABASE', true], ['too-many-connections', 'SLUICE_TOO_MANY_CONNECTIONS', false],
    ['tls', 'SLUICE_TLS', true], ['other', 'SLUICE_CONNECTION', false],
  ] as const)('say of a connection that failed by %s: code %s, permanent %s', (reason, code, permanent) => {
    expect(new errors.ConnectionError(reason, 'x')).toMatchObject({ code, reason, permanent, transient: !permanent })
  })

  it('describe a broken constraint', () => {
    const error = new errors.ConstraintError('duplicate', { kind: 'unique', constraint: 'users_email_key', table: 'users' })
    expect(error).toMatchObject({ code: 'SLUICE_CONSTRAINT', kind: 'unique', constraint: 'users_email_key', table: 'users', columns: [] })
  })

  it('describe a row that does not fit its schema without its values', () => {
    const error = new errors.SchemaError('row 3: address.city', { row: 3, path: 'address.city', fingerprint: 'f1' })
    expect(error).toMatchObject({ code: 'SLUICE_SCHEMA', row: 3, path: 'address.city', fingerprint: 'f1' })
  })

  it('tell the kinds of refused statements apart by code', () => {
    const codes = (['session', 'transaction-control', 'not-read'] as const).map((kind) => new errors.StatementNotAllowedError(kind, 'x').code)
    expect(codes).toEqual(['SLUICE_SESSION_STATEMENT', 'SLUICE_TRANSACTION_STATEMENT', 'SLUICE_NOT_A_READ'])
  })
})
