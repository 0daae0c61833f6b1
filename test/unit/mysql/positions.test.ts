import { describe, expect, it } from 'vitest'
import { mariadbDistance, mariadbPosition, mariadbPositions } from '../../../src/drivers/mariadb/positions.js'
import { mysqlDistance, mysqlPosition, mysqlPositions } from '../../../src/drivers/mysql/positions.js'

const A = '00000000-0000-0000-0000-00000000000a'
const B = '00000000-0000-0000-0000-00000000000b'
const { includes, merge, demand = (position) => position } = mysqlPositions

describe('a position of MySQL', () => {
  it('is a set of transactions: one includes another, whatever the order of sources and intervals', () => {
    expect(includes(`${A}:1-10,${B}:1-5`, `${B}:5,${A}:3-4:7`)).toBe(true)
    expect(includes(`${A}:1-10:12`, `${A}:11`)).toBe(false)
    expect(includes(`${A}:1-10`, `${B}:1`)).toBe(false)
    expect(includes(`${A}:1-3:tag:1-2`, `${A}:tag:2`)).toBe(true)
    expect(includes(`${A}:1-3`, `${A}:tag:2`)).toBe(false)
    expect(includes('nonsense', `${A}:1`)).toBe(false)
  })

  it('of two is both, and what touches is joined', () => {
    expect(merge(`${A}:1-3`, `${A}:4,${B}:9`)).toBe(`${A}:1-4,${B}:9`)
    expect(merge(`${A}:1-3`, `${A}:5-6`)).toBe(`${A}:1-3:5-6`)
  })

  it('counts what is being committed as seen, and not as had', () => {
    const position = mysqlPosition({ executed: `${A}:1-10`, owned: `${A}:11#17:12#18` })!
    expect(demand(position)).toBe(`${A}:1-12`)
    expect(includes(position, `${A}:10`)).toBe(true)
    expect(includes(position, `${A}:11`)).toBe(false)
    expect(includes(`${A}:1-11`, position)).toBe(false)
    expect(mysqlPosition({ executed: `${A}:1-10`, owned: '' })).toBe(`${A}:1-10`)
    expect(mysqlPosition({ executed: '', owned: '' })).toBeUndefined()
  })

  it('asks for more where it would grow long, by the narrowest gaps, and never for less', () => {
    const numbers = Array.from({ length: 100 }, (_, n) => 1 + 2 * n)
    const long = [...numbers, 1_000_001].map((n) => `${A}:${String(n)}`).reduce(merge)
    const short = demand(long)
    expect(short.length).toBeLessThan(120)
    expect(short).toContain(':1000001')
    expect(includes(short, long)).toBe(true)
    expect(includes(`${A}:1-199:1000001`, short)).toBe(true)
  })

  it('lags by the transactions that are missing', () => {
    expect(mysqlDistance(`${A}:1-10,${B}:1-5`, `${A}:1-8`)).toBe(7)
    expect(mysqlDistance(`${A}:1-10`, `${A}:1-12`)).toBe(0)
    expect(mysqlDistance(`${A}:1-10`, '0-1-7')).toBe(Infinity)
  })

  it.each(['', 'x', A, `${A}:0`, `${A}:5-3`, `${A}:1|${A}:1|${A}:1`, '0-1-7', `${A}:1;drop`])('is not %o', (text) => {
    expect(mysqlPositions.isPosition(text)).toBe(false)
  })
})

describe('a position of MariaDB', () => {
  const replica = (applied: string, logged: string, state: string): string => mariadbPosition({ read_only: 1, applied, logged, state })!
  const { includes, merge, demand = (position) => position } = mariadbPositions

  it('is the last transaction per domain, and only numbers of one server compare', () => {
    expect(includes('0-1-10', '0-1-9')).toBe(true)
    expect(includes('0-1-10', '0-1-11')).toBe(false)
    expect(includes('0-1-10', '1-1-1')).toBe(false)
    // a replica that still follows a former primary is further, and yet misses what its successor wrote
    expect(includes('0-1-130', '0-2-126')).toBe(false)
  })

  it('of a replica has what former primaries wrote, too, as far as it has been applied', () => {
    const position = replica('0-2-126', '0-2-126', '0-1-125,0-2-126')
    expect(includes(position, '0-1-125')).toBe(true)
    expect(demand(position)).toBe('0-2-126')
  })

  it('has been written to the log before it can be seen: that is seen, and not had', () => {
    const position = replica('0-1-125', '0-1-126', '0-1-126')
    expect(includes(position, '0-1-126')).toBe(false)
    expect(demand(position)).toBe('0-1-126')
  })

  it('of two names each server of each domain', () => {
    expect(merge('0-1-10,1-1-3', '0-1-12,0-2-11')).toBe('0-1-12,0-2-11,1-1-3')
  })

  it('is none without a log, and lags by numbers', () => {
    expect(mariadbPosition({ read_only: 0, applied: '', logged: '', state: '' })).toBeUndefined()
    expect(mariadbDistance('0-1-10,1-1-5', '0-1-7')).toBe(8)
    expect(mariadbDistance('0-2-10', '0-1-9')).toBe(1)
  })

  it.each(['', '1', '0-1', '0-1-x', '0-1-2|0-1-2|0-1-2'])('is not %o', (text) => {
    expect(mariadbPositions.isPosition(text)).toBe(false)
  })
})
