import { describe, expect, it } from 'vitest'
import type { NodeFacts } from '../../../src/core/dialect.js'
import type { Role } from '../../../src/core/observer.js'
import { mysqlPositions } from '../../../src/drivers/mysql/positions.js'
import type { Candidate, Memory } from '../../../src/router/candidate.js'
import { elect } from '../../../src/router/election.js'

const candidate = (name: string, said: NodeFacts | undefined, more: Partial<Candidate> = {}): Candidate => ({ name, role: 'replica', state: said ? 'up' : 'unknown', facts: said, ...more })
const remembered = (primary: Candidate | undefined, timeline = 1): Memory<Candidate> => ({ primary, systemId: 'shop', timeline })
const facts = (role: Role, timeline: number, more: Partial<NodeFacts> = {}): NodeFacts =>
  ({ role, position: undefined, lagMs: 0, timeline, systemId: 'shop', ...more })
const reasons = (fenced: ReadonlyMap<Candidate, string>): Record<string, string> =>
  Object.fromEntries(Array.from(fenced, ([{ name }, reason]) => [name, reason]))

describe('the primary', () => {
  it('is the one node that takes writes', () => {
    const nodes = [candidate('a', facts('replica', 1)), candidate('b', facts('primary', 1))]
    expect(elect(nodes, remembered(undefined)).primary?.name).toBe('b')
  })

  it('is whoever takes writes on the highest timeline; a former one is fenced', () => {
    const old = candidate('old', facts('primary', 1), { role: 'primary' })
    const { primary, fenced, timeline } = elect([old, candidate('new', facts('primary', 2))], remembered(old))
    expect([primary?.name, timeline]).toEqual(['new', 2])
    expect(reasons(fenced)).toEqual({ old: 'it takes writes on timeline 1 while its cluster is on 2: a former primary' })
  })

  it('is nobody, while the only writable node is on a timeline others have left behind', () => {
    const old = candidate('old', facts('primary', 1))
    const follower = candidate('follower', facts('replica', 2))
    const { primary, fenced } = elect([old, follower], remembered(old))
    expect(primary).toBeUndefined()
    expect(Object.keys(reasons(fenced))).toEqual(['old'])
    expect(elect([old, { ...follower, state: 'down' }], remembered(undefined, 2)).primary).toBeUndefined()
  })

  it('stays the one that is only being asked again, unless a later one speaks up', () => {
    const asked = candidate('asked', facts('primary', 1), { state: 'suspect', role: 'primary' })
    expect(elect([asked, candidate('b', facts('replica', 1))], remembered(asked)).primary?.name).toBe('asked')
    expect(elect([asked, candidate('b', facts('primary', 2))], remembered(asked)).primary?.name).toBe('b')
  })

  it('is nobody once it is down and nobody else takes writes', () => {
    const dead = candidate('dead', facts('primary', 1), { state: 'down', role: 'primary' })
    expect(elect([dead, candidate('b', facts('replica', 1))], remembered(dead)).primary).toBeUndefined()
  })

  it('is nobody while two take writes on the same timeline', () => {
    const [a, b] = [candidate('a', facts('primary', 3)), candidate('b', facts('primary', 3))]
    const { primary, split } = elect([a, b], remembered(a, 3))
    expect(primary).toBeUndefined()
    expect(split.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it('is one server, under however many addresses', () => {
    const [a, b] = [candidate('a', facts('primary', 3, { instance: '7' })), candidate('b', facts('primary', 3, { instance: '7' }))]
    expect(elect([a, b], remembered(b, 3))).toMatchObject({ primary: b, split: [] })
  })

  it('is of the cluster that was first seen: a stranger is fenced, however high its timeline', () => {
    const stranger = candidate('stranger', facts('primary', 9, { systemId: 'other' }))
    const own = candidate('own', facts('primary', 2))
    const { primary, fenced, timeline } = elect([stranger, own], remembered(own, 2))
    expect([primary?.name, timeline]).toEqual(['own', 2])
    expect(reasons(fenced)).toEqual({ stranger: 'it belongs to another cluster (system identifier other instead of shop)' })
  })
})

describe('the primary where there are no timelines', () => {
  const A = '00000000-0000-0000-0000-00000000000a'
  const B = '00000000-0000-0000-0000-00000000000b'
  const at = (role: Role, position: string): NodeFacts => ({ role, position, lagMs: 0, timeline: undefined, systemId: undefined })
  const writable = (name: string, position: string, more: Partial<Candidate> = {}): Candidate => candidate(name, at('primary', position), more)
  const vote = (nodes: readonly Candidate[], primary: Candidate | undefined, ...deposed: Candidate[]): unknown => {
    const verdict = elect(nodes, { primary, systemId: undefined, timeline: 0, deposed: new Set(deposed) }, mysqlPositions)
    return { primary: verdict.primary?.name, fenced: Array.from(verdict.fenced.keys(), ({ name }) => name), split: verdict.split.map(({ name }) => name) }
  }

  it('is the one whose history includes that of the other, which is fenced', () => {
    const [old, heir] = [writable('old', `${A}:1-9`), writable('heir', `${A}:1-9,${B}:1`)]
    for (const known of [old, heir, undefined]) expect(vote([old, heir], known)).toEqual({ primary: 'heir', fenced: ['old'], split: [] })
  })

  it('stays the known one while both have the same', () => {
    const [one, other] = [writable('one', `${A}:1-9`), writable('other', `${A}:1-9`)]
    expect(vote([one, other], other)).toEqual({ primary: 'other', fenced: [], split: [] })
    expect(vote([one, other], undefined)).toEqual({ primary: undefined, fenced: [], split: ['one', 'other'] })
  })

  it('stays the known one beside a replica that nobody made read-only, whichever was asked last', () => {
    const known = candidate('known', { ...at('primary', `${A}:1-9`), instance: A })
    const fresher = candidate('fresher', { ...at('primary', `${A}:1-12`), instance: B })
    expect(vote([known, fresher], known)).toEqual({ primary: 'known', fenced: [], split: [] })
    expect(vote([known, candidate('older', { ...at('primary', `${A}:1-7`), instance: B })], known)).toEqual({ primary: 'known', fenced: ['older'], split: [] })
  })

  it('is nobody when each has what the other has not, or nobody says what it has', () => {
    const [one, other] = [writable('one', `${A}:1-10`), writable('other', `${A}:1-9,${B}:1`)]
    expect(vote([one, other], one)).toEqual({ primary: undefined, fenced: [], split: ['one', 'other'] })
    expect(vote([writable('x', ''), writable('y', '')], undefined)).toMatchObject({ split: ['x', 'y'] })
  })

  it('is not a former one that comes back with what was lost, also when its successor is down', () => {
    const [old, heir] = [writable('old', `${A}:1-10`), writable('heir', `${A}:1-9,${B}:1`)]
    expect(vote([old, heir], heir, old)).toEqual({ primary: 'heir', fenced: ['old'], split: [] })
    expect(vote([old, { ...heir, state: 'down' }], { ...heir, state: 'down' }, old)).toEqual({ primary: undefined, fenced: ['old'], split: [] })
    expect(vote([writable('old', `${A}:1-10`), writable('heir', `${A}:1-9`)], undefined)).toMatchObject({ primary: 'old' })
  })

  it('stays the one that is only being asked again, unless one that has more speaks up', () => {
    const asked = writable('asked', `${A}:1-9`, { state: 'suspect' })
    expect(vote([asked, writable('b', `${A}:1-9`)], asked)).toMatchObject({ primary: 'asked' })
    expect(vote([asked, writable('b', `${A}:1-9,${B}:1`)], asked)).toMatchObject({ primary: 'b' })
  })
})
