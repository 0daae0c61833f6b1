import { describe, expect, test } from 'vitest'
import type { ConnectSettings } from '../../../src/core/driver.js'
import { readOptions } from '../../../src/drivers/postgres/options.js'

function settings(parameters: Record<string, string>, driverOptions: Record<string, unknown> = {}): ConnectSettings {
  return {
    target: {
      scheme: 'postgres', hosts: [{ host: 'db', port: 5432 }], targetSessionAttrs: 'any', tls: { mode: 'prefer' },
      parameters, driverOptions,
    },
    readOnly: false, connectTimeoutMs: 1, statementTimeoutMs: 1, maxPreparedStatements: 1,
  }
}

describe('URL parameters', () => {
  test('become options of the client', () => {
    const { client, startup } = readOptions(settings({
      application_name: 'shop', options: '-c a=b', statement_timeout: '5000', keepalives: '0', keepalives_idle: '10',
      sslnegotiation: 'direct', channel_binding: 'prefer', client_encoding: 'UTF8', gssencmode: 'prefer',
    }))
    expect(startup).toBe('-c a=b')
    expect(client).toMatchObject({
      application_name: 'shop', statement_timeout: 5000, keepAlive: false, keepAliveInitialDelayMillis: 10_000,
      sslnegotiation: 'direct', enableChannelBinding: true,
    })
  })

  test.each([
    ['schema', 'app', /unknown URL parameter 'schema'/], ['toString', 'x', /unknown URL parameter/],
    ['statement_timeout', '5s', /statement_timeout: expected a whole number/], ['keepalives', 'yes', /expected 0 or 1/],
    ['channel_binding', 'require', /expected disable or prefer/], ['client_encoding', 'latin1', /expected utf8/],
  ])('%s=%s is refused', (name, value, message) => {
    expect(() => readOptions(settings({ [name]: value }))).toThrow(message)
  })
})

describe('driverOptions', () => {
  test('are handed on and win over URL parameters', () => {
    const { client, startup } = readOptions(settings({ application_name: 'a', options: '-c a=b' }, {
      application_name: 'b', lock_timeout: 5, options: '-c c=d',
    }))
    expect(client).toMatchObject({ application_name: 'b', lock_timeout: 5 })
    expect(startup).toBe('-c a=b -c c=d')
  })

  test.each(['connectionString', 'host', 'password', 'ssl', 'stream', 'pipeline', 'query_timeout', 'connectionTimeoutMillis'])(
    '%s is refused, with what to use instead', (name) => {
      expect(() => readOptions(settings({}, { [name]: 'hunter2' }))).toThrow(new RegExp(`driverOptions.${name} is set by the driver itself; use `))
      expect(() => readOptions(settings({}, { [name]: 'hunter2' }))).not.toThrow(/hunter2/)
    },
  )

  test('own type parsers must be type parsers', () => {
    const types = { getTypeParser: () => String }
    expect(readOptions(settings({}, { types })).types).toBe(types)
    expect(() => readOptions(settings({}, { types: { bigint: 'string' } }))).toThrow(/getTypeParser/)
  })
})
