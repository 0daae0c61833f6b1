import { describe, expect, it } from 'vitest'
import { serverOf } from '../../../src/backup/parts.js'
import { Database } from '../../../src/index.js'

const options = {
  primary: { name: 'a', host: 'a.invalid', database: 'shop' }, replicas: [{ name: 'b', host: 'b.invalid', database: 'shop' }],
}

describe('the server of a job', () => {
  it('is the primary of this moment, not the one configured as such', () => {
    const db = new Database(options)
    expect(serverOf(db).node).toBe('a')
    const [a, b] = db.assembly.fleet.all
    Object.defineProperty(a, 'role', { value: 'replica' })
    Object.defineProperty(b, 'role', { value: 'primary' })
    expect(serverOf(db)).toMatchObject({ node: 'b', target: { hosts: [{ host: 'b.invalid' }], database: 'shop' } })
  })

  it('is the direct one where a pooler stands in front of the primary', () => {
    const db = new Database({ ...options, directUrl: { name: 'direct', host: 'direct.invalid', database: 'shop' } })
    expect(serverOf(db).node).toBe('direct')
  })
})
