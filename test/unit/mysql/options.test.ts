import { describe, expect, test } from 'vitest'
import type { ConnectSettings } from '../../../src/core/driver.js'
import { ConfigError } from '../../../src/core/errors.js'
import { readOptions, type MysqlOptions } from '../../../src/drivers/mysql/options.js'

function read(parameters: Readonly<Record<string, string>>, driverOptions: Readonly<Record<string, unknown>> = {}, applicationName?: string): MysqlOptions {
  const settings: ConnectSettings = {
    target: { scheme: 'mysql', hosts: [], targetSessionAttrs: 'any', tls: { mode: 'disable' }, parameters, driverOptions, applicationName },
    readOnly: false, connectTimeoutMs: 1_000, statementTimeoutMs: 0, maxPreparedStatements: 1,
  }
  return readOptions(settings)
}

describe('the URL parameters of MySQL and MariaDB', () => {
  test.each([
    ['Z', '+00:00'], ['utc', '+00:00'], ['GMT', '+00:00'], ['+05:30', '+05:30'], [' 05:30', '+05:30'], ['05:30', '+05:30'], ['-03:30', '-03:30'],
    ['+14:00', '+14:00'],
  ])('timezone=%s is the offset %s', (timezone, offset) => {
    expect(read({ timezone }).timezone).toBe(offset)
    expect(read({ serverTimezone: timezone }).timezone).toBe(offset)
    expect(read({}, { timezone }).timezone).toBe(offset)
  })

  test('keep-alive is every 30 s, as often as is said, or never', () => {
    expect(read({}).keepAliveMs).toBe(30_000)
    expect(read({ keepalives_idle: '5' }).keepAliveMs).toBe(5_000)
    expect(read({ keepalives: '1' }).keepAliveMs).toBe(30_000)
    expect(read({ keepalives_idle: '5', keepalives: '0' }).keepAliveMs).toBe(0)
    expect(read({ keepalives: '0', keepalives_idle: '5' }).keepAliveMs).toBe(0)
  })

  test('what connectors of other languages append is taken where it is so anyway', () => {
    const { client } = read({ charset: 'utf8mb4', useUnicode: 'true', parseTime: 'true', compress: 'true', collation: 'utf8mb4_bin' })
    expect(client).toMatchObject({ compress: true, charset: 'utf8mb4_bin', dateStrings: true })
    expect(client).not.toHaveProperty('parseTime')
  })

  test.each([
    [{ timezone: 'Europe/Berlin' }, "timezone: expected 'Z' or an offset such as '+05:30', got 'Europe/Berlin'"],
    [{ timezone: '+15:00' }, "timezone: expected 'Z' or an offset such as '+05:30', got '+15:00'"],
    [{ timezone: '+05:60' }, "timezone: expected 'Z' or an offset such as '+05:30', got '+05:60'"],
    [{ charset: 'latin1' }, "charset: expected utf8mb4 or utf8, got 'latin1'"],
    [{ compress: 'yes' }, "compress: expected true or false, got 'yes'"],
    [{ keepalives: '2' }, "keepalives: expected 0 or 1, got '2'"],
    [{ keepalives_idle: '1.5' }, "keepalives_idle: expected a whole number, got '1.5'"],
    [{ keepalive: '1' }, /^unknown URL parameter 'keepalive'; known: .*keepalives_idle$/],
    [{ constructor: '1' }, /^unknown URL parameter 'constructor'/],
  ])('%o is refused with what was expected', (parameters, message) => {
    expect(() => read(parameters)).toThrow(ConfigError)
    expect(() => read(parameters)).toThrow(message)
  })
})

describe('driverOptions of MySQL and MariaDB', () => {
  test('go to mysql2 as they are, and may add connection attributes', () => {
    const { client } = read({}, { charset: 'utf8mb4_bin', connectAttributes: { team: 'orders' } }, 'shop')
    expect(client).toMatchObject({ charset: 'utf8mb4_bin', connectAttributes: { program_name: 'shop', team: 'orders' } })
    expect(read({}).client).toMatchObject({ connectAttributes: { program_name: 'sluice' }, bigNumberStrings: true, jsonStrings: true })
  })

  test.each([
    ['multipleStatements', true, 'db.batch()'], ['password', 'a-secret', 'the password option'], ['typeCast', false, 'the type policy'],
    ['connectionLimit', 5, 'pool.max'], ['flags', [], 'the driver chooses'],
  ])('%s is refused with what to use instead, and without its value', (name, value, instead) => {
    const refused = (): unknown => read({}, { [name]: value })
    expect(refused).toThrow(`driverOptions.${name} is set by the driver itself; use `)
    expect(refused).toThrow(instead)
    expect(refused).not.toThrow(/a-secret/)
    expect(read({}, { [name]: undefined })).toBeDefined()
  })

  test.each([[{ timezone: 5 }, /^timezone: .* got number$/], [{ connectAttributes: 'team' }, /^driverOptions.connectAttributes: .* got string$/]])(
    '%o is refused by its kind', (driverOptions, message) => { expect(() => read({}, driverOptions)).toThrow(message) },
  )
})
