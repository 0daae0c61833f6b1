import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { ConnectionError, QueryError } from '../../../src/core/errors.js'
import { describeError, keyColumns } from '../../../src/drivers/postgres/errors.js'
import { rememberParams } from '../../../src/drivers/postgres/redact.js'

/** An error as pg makes it from a server's message. */
function serverError(code: string, message: string, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', code, ...more })
}

const nodeError = (code: string, more: Record<string, unknown> = {}): Error => Object.assign(new Error(`x ${code}`), { code, ...more })

describe('a server\'s error is told apart by its SQLSTATE', () => {
  test.each([
    ['23505', 'unique'], ['23503', 'foreign-key'], ['23001', 'foreign-key'], ['23502', 'not-null'], ['23514', 'check'], ['23P01', 'exclusion'],
    ['40P01', 'deadlock'], ['40001', 'serialization'], ['55P03', 'lock-timeout'], ['57014', 'cancelled'], ['25006', 'read-only'],
    ['25P02', 'aborted-transaction'], ['42601', 'syntax'], ['42501', 'permission'], ['42P01', 'unknown-object'], ['42703', 'unknown-object'],
    ['42883', 'unknown-object'], ['3F000', 'unknown-object'], ['22012', 'data'], ['22P02', 'data'], ['26000', 'unknown-statement'],
    ['28000', 'authentication'], ['28P01', 'authentication'], ['3D000', 'unknown-database'], ['53300', 'too-many-connections'],
    ['57P01', 'shutting-down'], ['57P02', 'shutting-down'], ['57P03', 'starting'], ['57P05', 'lost'], ['08006', 'lost'], ['25P03', 'lost'],
    ['42P07', 'duplicate-object'], ['P0001', 'other'], ['0A000', 'other'], ['55000', 'other'], ['XX000', 'other'], ['08P01', 'other'],
  ])('%s is %s', (code, kind) => {
    expect(describeError(serverError(code, 'x'))).toMatchObject({ kind, serverCode: code, message: 'x' })
  })

  test.each([
    ['57P03', 'the database system is shutting down', 'shutting-down'],
    ['57P03', 'the database system is starting up', 'starting'],
    ['55000', 'recovery is in progress', 'read-only'],
    ['0A000', 'cannot access temporary or unlogged relations during recovery', 'read-only'],
    ['0A000', 'cannot use serializable mode in a hot standby', 'read-only'],
    ['XX000', 'cannot assign OIDs during recovery', 'read-only'],
    ['XX000', 'cannot assign TransactionIds during recovery', 'read-only'],
    ['0A000', 'cached plan must not change result type', 'stale-plan'],
    ['08P01', 'no more connections allowed (max_client_conn)', 'too-many-connections'],
    ['08P01', 'server conn crashed?', 'lost'],
    ['08P01', 'query_wait_timeout', 'lost'],
  ])('%s with the words "%s" is %s', (code, message, kind) => {
    expect(describeError(serverError(code, message)).kind).toBe(kind)
  })

  test('a login without the privilege to connect is refused for good', () => {
    expect(describeError(serverError('42501', 'permission denied for database "shop"', { routine: 'CheckMyDatabase' })).kind).toBe('authentication')
    expect(describeError(serverError('42501', 'permission denied for table t', { routine: 'aclcheck_error' })).kind).toBe('permission')
  })

  test('a stale plan is known by its routine in any language', () => {
    expect(describeError(serverError('0A000', 'zwischengespeicherter Plan', { routine: 'RevalidateCachedQuery' })).kind).toBe('stale-plan')
  })

  test('a fatal error has ended the connection whatever its code', () => {
    expect(describeError(serverError('XX000', 'x', { severity: 'FATAL' })).connectionLost).toBe(true)
    expect(describeError(serverError('57014', 'x')).connectionLost).toBe(false)
  })

  test('what may work again says so', () => {
    const transient = (code: string): boolean => describeError(serverError(code, 'x')).transient
    expect(['40001', '40P01', '55P03', '57P01', '53300', '53200', '25006'].map(transient)).toEqual(Array(7).fill(true))
    expect(['23505', '42601', '28P01', '3D000', '57014', '22012'].map(transient)).toEqual(Array(6).fill(false))
  })
})

describe('a broken constraint names the rule, the table and the columns, not the values', () => {
  test('from the fields the server sends', () => {
    const error = serverError('23505', 'duplicate key value violates unique constraint "u"', {
      constraint: 'u', table: 'person', detail: 'Key (email)=(hunter2) already exists.',
    })
    expect(describeError(error)).toMatchObject({ constraint: 'u', table: 'person', columns: ['email'] })
    expect(JSON.stringify(describeError(error))).not.toContain('hunter2')
    expect(describeError(serverError('23502', 'x', { column: 'name', table: 't' }))).toMatchObject({ columns: ['name'] })
  })

  test.each([
    ['Key (a, b)=(1, 2) already exists.', ['a', 'b']],
    ['Schlüssel »(a)=(1)« existiert bereits.', ['a']],
    ['Key (lower((email)::text), "Org, Unit")=(x, (y)=(z)) already exists.', ['lower((email)::text)', 'Org, Unit']],
    ['Key (id)=(1) is still referenced from table "b".', ['id']],
    ['Failing row contains (1, hunter2).', undefined],
    [undefined, undefined],
  ])('columns of %s', (detail, columns) => {
    expect(keyColumns(detail)).toEqual(columns)
  })
})

describe('messages hold no parameter values', () => {
  test.each([
    ['22P02', 'invalid input syntax for type integer: "hunter2"', 'invalid input syntax for type integer: "…"'],
    ['22P02', 'invalid input syntax for type integer: "hun"ter\n2"', 'invalid input syntax for type integer: "…"'],
    ['22003', 'value "99999999999" is out of range for type integer', 'value "…" is out of range for type integer'],
    ['22P02', 'ungültige Eingabesyntax für Typ integer: »hunter2«', 'ungültige Eingabesyntax für Typ integer: "…"'],
    ['22021', 'invalid byte sequence for encoding "UTF8": 0xff 0xfe', 'invalid byte sequence for encoding "…": 0x… 0x…'],
    ['22012', 'division by zero', 'division by zero'],
  ])('%s: %s', (code, message, expected) => {
    expect(describeError(serverError(code, message)).message).toBe(expected)
  })

  test('whatever the error, the parameters of its statement are taken out', () => {
    const error = serverError('42P01', 'relation "hunter2" does not exist, hunter2!')
    rememberParams(error, ['hunter2', null, Buffer.from('x')])
    expect(describeError(error).message).toBe('relation "…" does not exist, …!')
  })

  test('a short parameter is taken out only where it is quoted', () => {
    const error = serverError('P0001', 'item "7" of 70 is gone')
    rememberParams(error, ['7'])
    expect(describeError(error).message).toBe('item "…" of 70 is gone')
  })

  test('only the first line is kept', () => {
    expect(describeError(serverError('P0001', 'first\nsecond')).message).toBe('first')
  })
})

describe('an error that is not the server\'s', () => {
  test.each([
    [nodeError('ECONNREFUSED'), 'refused', true], [nodeError('ENOENT'), 'refused', true], [nodeError('EHOSTUNREACH'), 'refused', true],
    [nodeError('ENOTFOUND'), 'host-unknown', true], [nodeError('EAI_AGAIN'), 'host-unknown', true],
    [nodeError('ETIMEDOUT', { syscall: 'connect' }), 'connect-timeout', true], [nodeError('ETIMEDOUT', { syscall: 'read' }), 'lost', true],
    [nodeError('ECONNRESET'), 'lost', true], [nodeError('EPIPE'), 'lost', true], [nodeError('ERR_STREAM_DESTROYED'), 'lost', true],
    [nodeError('SELF_SIGNED_CERT_IN_CHAIN'), 'tls', false], [nodeError('DEPTH_ZERO_SELF_SIGNED_CERT'), 'tls', false],
    [nodeError('CERT_HAS_EXPIRED'), 'tls', false], [nodeError('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls', false],
    [nodeError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls', false], [nodeError('EPROTO'), 'tls', false],
    [new Error('Connection terminated unexpectedly'), 'lost', true], [new Error('Connection terminated'), 'lost', true],
    [new Error('Client has encountered a connection error and is not queryable'), 'lost', true],
    [new Error('The server does not support SSL connections'), 'tls', false],
    [new Error('timeout expired'), 'connect-timeout', true],
    [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'authentication', false],
  ])('%s is %s', (error, kind, transient) => {
    expect(describeError(error)).toMatchObject({ kind, transient, connectionLost: true })
  })

  test('an abort is a cancellation', () => {
    expect(describeError(AbortSignal.abort().reason)).toMatchObject({ kind: 'cancelled', connectionLost: false })
  })

  test('several addresses tried in vain are one message', () => {
    const error = Object.assign(new AggregateError([new Error('a refused'), new Error('b refused')], ''), { code: 'ECONNREFUSED' })
    expect(describeError(error)).toMatchObject({ kind: 'refused', message: 'a refused; b refused' })
  })

  test('errors of this library keep their meaning', () => {
    expect(describeError(new ConnectionError('timeout', 'x'))).toMatchObject({ kind: 'connect-timeout', connectionLost: true })
    expect(describeError(new QueryError('x', undefined))).toMatchObject({ kind: 'other', connectionLost: false })
  })

  test('anything at all is described without throwing', () => {
    fc.assert(fc.property(fc.anything(), (thrown) => { expect(typeof describeError(thrown).message).toBe('string') }))
    const hostile = new Proxy({}, { get() { throw new Error('no') }, has() { throw new Error('no') } })
    expect(describeError(hostile).kind).toBe('other')
  })
})
