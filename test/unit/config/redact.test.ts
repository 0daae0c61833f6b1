import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, redactUrl } from '../../../src/config/redact.js'

describe('redactUrl', () => {
  it.each([
    ['postgres://app:secret@db1/shop', 'postgres://app:***@db1/shop'],
    ['postgres://app@db1/shop', 'postgres://app@db1/shop'],
    ['postgres://db1:5432/shop', 'postgres://db1:5432/shop'],
    ['cannot reach postgres://app:se@c/r?t#@db1/shop now', 'cannot reach postgres://app:***@db1/shop now'],
    ['postgres://a:x@h1/s,postgres://b:y@h2/s', 'postgres://a:***@h1/s,postgres://b:***@h2/s'],
    ['postgres://db1/shop?user=a&password=x&sslmode=require', 'postgres://db1/shop?user=a&password=***&sslmode=require'],
    ["host=db1 password='a b\\'c' user=app", 'host=db1 password=*** user=app'],
    ['DB_PASSWORD=x PGPASSWORD=y', 'DB_PASSWORD=*** PGPASSWORD=***'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----', '***'],
    ['AGE-SECRET-KEY-1QQQ', '***'],
    ['nothing to hide: 12:30@noon', 'nothing to hide: 12:30@noon'],
  ])('%s', (text, expected) => {
    expect(redactUrl(text)).toBe(expected)
  })

  it('masks any password that a URL can carry', () => {
    fc.assert(fc.property(fc.string({ maxLength: 20 }), (raw) => {
      const password = `Q7${raw.replaceAll(/\s/g, '')}7Q`
      expect(redactUrl(`failed: postgres://app:${password}@db1/shop`)).not.toContain(password)
      expect(redactUrl(`postgres://app:${encodeURIComponent(password)}@db1/shop`)).toBe('postgres://app:***@db1/shop')
    }), { numRuns: 200 })
  })
})

describe('redact', () => {
  it('masks values under secret names, at every depth', () => {
    expect(redact({
      host: 'db1', password: 'x', nested: [{ clientSecret: 'x', auth_token: 'x', passphrase: 'x', key: 'x', PGPASSWORD: 'x' }],
      url: 'postgres://a:x@h/s', passwordless: undefined, keepAlive: true,
    })).toEqual({
      host: 'db1', password: '***', nested: [{ clientSecret: '***', auth_token: '***', passphrase: '***', key: '***', PGPASSWORD: '***' }],
      url: 'postgres://a:***@h/s', passwordless: undefined, keepAlive: true,
    })
  })

  it('survives cycles, functions and plain values', () => {
    const cycle: Record<string, unknown> = { a: 1 }
    cycle['self'] = cycle
    expect(redact(cycle)).toEqual({ a: 1, self: '[…]' })
    expect(redact([() => 0, null, 3n])).toEqual(['[function]', null, 3n])
  })
})
