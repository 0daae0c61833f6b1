import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retain, type RetentionEntry, type RetentionPolicy } from '../../../src/backup/retention.js'

const NOW = Date.UTC(2026, 10, 25, 12)
const DAY = 86_400_000
const KEEP = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 }

const catalogs = fc.array(fc.record({
  at: fc.integer({ min: NOW - 900 * DAY, max: NOW }), verified: fc.boolean(), damaged: fc.boolean(),
  pinnedUntil: fc.option(fc.integer({ min: NOW - DAY, max: NOW + DAY }), { nil: undefined }), parent: fc.option(fc.nat(40), { nil: undefined }),
}), { maxLength: 40 }).map((list): RetentionEntry[] => list.map((entry, index) => ({
  ...entry, id: `b${index}`, verified: entry.verified && !entry.damaged, parent: entry.parent === undefined ? undefined : `b${entry.parent}`,
})))
const count = fc.nat(5)
const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
  retentionDays: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
  keep: fc.record({ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count }),
  timezone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/New_York'),
})

const at = (daysAgo: number, id = `d${daysAgo}`): RetentionEntry =>
  ({ id, at: NOW - daysAgo * DAY, verified: false, damaged: false, pinnedUntil: undefined, parent: undefined })

/** Everything a decision does that it must not do. */
function brokenPromises(catalog: readonly RetentionEntry[], policy: RetentionPolicy): string[] {
  const decision = retain(catalog, policy, NOW)
  const gone = new Set(decision.delete)
  const kept = catalog.filter(({ id }) => !gone.has(id))
  const usable = catalog.filter(({ damaged }) => !damaged).sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
  const [newest, verified] = [usable[0], usable.find((entry) => entry.verified)]
  const names = (list: readonly { id: string }[]): string => list.map(({ id }) => id).sort().join(' ')
  return [
    ...names(decision.keep) === names(kept) ? [] : ['what is kept and what is deleted are not the whole'],
    ...newest && gone.has(newest.id) ? ['the newest is deleted'] : [],
    ...verified && gone.has(verified.id) ? ['the newest verified is deleted'] : [],
    ...usable.slice(0, policy.keep.last).filter(({ id }) => gone.has(id)).map(({ id }) => `${id} is one of the last`),
    ...kept.filter(({ parent }) => parent !== undefined && gone.has(parent)).map(({ id }) => `${id} has lost its parent`),
    ...catalog.filter(({ id, pinnedUntil = 0 }) => pinnedUntil > NOW && gone.has(id)).map(({ id }) => `${id} is pinned`),
    ...retain(kept, policy, NOW).delete.map((id) => `${id} would go the next time`),
  ]
}

describe('retention', () => {
  it('B14: keeps its promises for 10,000 random catalogs', () => {
    fc.assert(fc.property(catalogs, policies, (catalog, policy) => {
      expect(brokenPromises(catalog, policy)).toEqual([])
    }), { numRuns: 10_000 })
  }, 120_000)

  it('keeps everything when it was told nothing', () => {
    expect(retain([at(1), at(1000)], { retentionDays: undefined, keep: { ...KEEP, last: 2 }, timezone: 'UTC' }, NOW).delete).toEqual([])
  })

  it('deletes by age, the oldest first', () => {
    expect(retain([at(1), at(8), at(9)], { retentionDays: 7, keep: KEEP, timezone: 'UTC' }, NOW).delete).toEqual(['d9', 'd8'])
  })

  it('B15: deletes nothing while the newest is older than the retention', () => {
    expect(retain([at(30), at(31)], { retentionDays: 7, keep: KEEP, timezone: 'UTC' }, NOW).delete).toEqual([])
  })

  it('keeps one of each day of the policy\'s time zone', () => {
    // 18:00 and 19:00 of one day in UTC are two days in Kolkata, where midnight is at 18:30
    const [early, late] = [{ ...at(0, 'early'), at: Date.UTC(2026, 10, 24, 18, 0) }, { ...at(0, 'late'), at: Date.UTC(2026, 10, 24, 19, 0) }]
    const policy = { retentionDays: undefined, keep: { ...KEEP, daily: 2 } }
    expect(retain([early, late], { ...policy, timezone: 'UTC' }, NOW).delete).toEqual(['early'])
    expect(retain([early, late], { ...policy, timezone: 'Asia/Kolkata' }, NOW).delete).toEqual([])
  })
})
