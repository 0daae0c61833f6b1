import { describe, expect, it } from 'vitest'
import { cronTimes } from '../../../src/backup/cron.js'
import { freshness } from '../../../src/backup/freshness.js'
import type { BackupInfo } from '../../../src/index.js'
import { Database, BackupManager, BackupSchedule } from '../../../src/index.js'

const NOW = new Date('2026-11-25T12:00:00Z')
const HOUR = 3_600_000

function backup(hoursAgo: number, facts: Partial<BackupInfo> = {}): BackupInfo {
  const at = new Date(NOW.getTime() - hoursAgo * HOUR).toISOString()
  return {
    id: `h${hoursAgo}`, state: 'complete', database: 'shop', engine: 'postgres', format: 'custom', encrypted: false, authenticity: 'unsigned',
    startedAt: at, finishedAt: at, durationMs: 1, bytes: 1_000, databaseBytes: 1, serverVersion: '15', host: 'h', pinnedUntil: undefined, tags: {},
    migration: undefined, tables: undefined, verifications: [], problem: undefined, ...facts,
  }
}

const nightly = cronTimes('0 3 * * *', 'UTC')

describe('the health of backups', () => {
  it('is good while the newest is younger than a day and a bit', () => {
    expect(freshness([backup(20), backup(44)], 0, undefined, { now: NOW })).toMatchObject({ status: 'ok', problems: [], newestAgeMs: 20 * HOUR })
  })

  it('fails without any backup, or with damaged ones alone', () => {
    expect(freshness([], 0, undefined, { now: NOW })).toMatchObject({ status: 'fail', problems: ['there is no backup'] })
    expect(freshness([backup(1, { state: 'damaged' })], 0, undefined, { now: NOW })).toMatchObject({ status: 'fail', newest: undefined })
  })

  it('B15: fails when backups have been failing for 30 days', () => {
    const { status, problems } = freshness([backup(720)], 0, nightly, { now: NOW })
    expect({ status, problems }).toEqual({ status: 'fail', problems: ['the newest backup is 720.0 h old; it should be at most 33.0 h'] })
  })

  it('lets the last time of a schedule be under way, and not the one before', () => {
    expect(freshness([backup(32)], 0, nightly, { now: NOW }).status).toBe('ok')
    expect(freshness([backup(34)], 0, nightly, { now: NOW }).status).toBe('fail')
  })

  it('warns of damage, of a backup much smaller than usual, and of none proven readable in time', () => {
    const usual = [backup(2), backup(3), backup(4)]
    expect(freshness([backup(1), ...usual], 1, undefined, { now: NOW }).problems).toEqual(['1 of the backups are damaged'])
    expect(freshness([backup(1, { bytes: 499 }), ...usual], 0, undefined, { now: NOW }))
      .toMatchObject({ status: 'warn', problems: ['the newest backup has 499 bytes, less than half of the usual 1000'] })
    const options = { now: NOW, maxVerifiedAgeMs: 24 * HOUR }
    expect(freshness([backup(1)], 0, undefined, options).problems).toEqual(['no backup was ever proven readable'])
    expect(freshness([backup(1), backup(25, { state: 'good' })], 0, undefined, options).problems).toEqual(['the newest backup proven readable is 25.0 h old'])
    expect(freshness([backup(1), backup(23, { state: 'good' })], 0, undefined, options).status).toBe('ok')
  })
})

describe('a schedule', () => {
  const backups = new BackupManager(new Database('postgres://app@db.invalid/shop'), { location: 'file:./backups' })

  it('knows its next time in its time zone', () => {
    const next = new BackupSchedule(backups, { cron: '30 3 * * *', timezone: 'Asia/Kolkata' }).next()
    expect([next?.getUTCHours(), next?.getUTCMinutes()]).toEqual([22, 0])
  })

  it.each([
    [{ cron: '61 * * * *' }], [{ cron: 'at noon' }], [{ cron: '0 3 * * *', timezone: 'Mars/Olympus' }], [{}],
  ])('refuses %j at once', (options) => {
    expect(() => new BackupSchedule(backups, options)).toThrow(expect.objectContaining({ code: 'SLUICE_CONFIG', option: 'backup.schedule' }) as Error)
  })

  it('takes the expression of the options of the database', () => {
    const own = new Database({ primary: 'postgres://app@db.invalid/shop', backup: { schedule: { cron: '0 4 * * *', timezone: 'UTC' } } })
    expect(new BackupSchedule(own.backups).next()?.getUTCHours()).toBe(4)
  })
})
