import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { BackupSchedule, type ScheduledRun } from '../../../src/index.js'
import { backupBench } from '../../support/backups.js'
import { eventually } from '../../support/eventually.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()
await bench.sql('create table t (id int primary key); insert into t values (1)')

const asked: string[] = []
const monitor = createServer((request, reply) => {
  asked.push(request.url!)
  reply.end('ok')
})
await new Promise<void>((resolve) => { monitor.listen(0, '127.0.0.1', resolve) })
afterAll(() => { monitor.close() })
const pingUrl = (name: string): string => `http://127.0.0.1:${(monitor.address() as AddressInfo).port}/${name}`

const EVERY_SECOND = '* * * * * *'

describe('BackupSchedule', () => {
  it('B16: on two hosts makes one backup for each time; the other host skips it', async () => {
    const location = `file:${join(bench.folder, 'b16')}`
    const runs: ScheduledRun[] = []
    const schedules = [0, 1].map(() => new BackupSchedule(bench.manager({ location }), { cron: EVERY_SECOND, onRun: (run) => { runs.push(run) } }))
    for (const schedule of schedules) schedule.start()
    await eventually(() => runs.filter(({ outcome }) => outcome === 'made').length >= 3 && runs.some(({ outcome }) => outcome === 'skipped'), 90_000)
    await Promise.all(schedules.map((schedule) => schedule.stop()))
    expect(runs.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    const made = runs.filter(({ outcome }) => outcome === 'made')
    expect(new Set(made.map(({ scheduledFor }) => scheduledFor.getTime())).size).toBe(made.length)
    expect((await bench.manager({ location }).list()).map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort())
  })

  it('B25: makes up for a missed time once, and says so to the monitor', async () => {
    const backups = bench.manager({ location: `file:${join(bench.folder, 'b25')}`, pingUrl: pingUrl('b25') })
    await backups.backup()
    const missed = new Date(Math.ceil((Date.now() + 500) / 1_000) * 1_000)
    await eventually(() => Date.now() > missed.getTime() + 100)
    const runs: ScheduledRun[] = []
    // once a minute, and this minute's time has passed
    const schedule = new BackupSchedule(backups, { cron: `${missed.getUTCSeconds()} * * * * *`, onRun: (run) => { runs.push(run) } })
    const startedAt = Date.now()
    schedule.start()
    schedule.start()
    await eventually(() => runs.length > 0)
    expect(schedule.lastRun).toMatchObject({ outcome: 'made', scheduledFor: missed })
    await schedule.stop()
    expect(runs.filter(({ scheduledFor }) => scheduledFor.getTime() < startedAt)).toHaveLength(1)
    expect(asked.filter((url) => url.startsWith('/b25')).slice(0, 2)).toEqual(['/b25/start', '/b25'])
    expect((await backups.health()).status).toBe('ok')
  })

  it('does not begin with a backup when there never was one', async () => {
    const backups = bench.manager({ location: `file:${join(bench.folder, 'none')}` })
    const yearly = new BackupSchedule(backups, { cron: '0 0 1 1 *' })
    yearly.start()
    expect(yearly.running).toBe(true)
    await yearly.stop()
    expect(yearly.running).toBe(false)
    expect(await backups.list()).toEqual([])
  })

  it('goes on after a backup that failed, and the monitor hears of it', async () => {
    const backups = bench.manager({ location: `file:${join(bench.folder, 'fails')}`, toolsDir: bench.folder, pingUrl: pingUrl('fails') })
    const runs: ScheduledRun[] = []
    const schedule = new BackupSchedule(backups, { cron: EVERY_SECOND, onRun: (run) => { runs.push(run); throw new Error('of the listener') } })
    schedule.start()
    await eventually(() => runs.length >= 2)
    await schedule.stop()
    expect(runs[0]).toMatchObject({ outcome: 'failed', error: { kind: 'toolMissing' } })
    expect(asked).toContain('/fails/fail')
    expect((await backups.health()).status).toBe('fail')
  })

  it('cancelled while a backup is under way leaves nothing of it', async () => {
    await bench.sql('create table big as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 100000) n')
    let dumping = false
    const backups = bench.manager({ location: `file:${join(bench.folder, 'cancelled')}` })
    const { backup } = backups
    backups.backup = (options) => backup.call(backups, { ...options, onProgress: ({ phase }) => { dumping ||= phase === 'dumping' } })
    const schedule = new BackupSchedule(backups, { cron: EVERY_SECOND })
    schedule.start()
    await eventually(() => dumping)
    await schedule.stop({ cancel: true })
    expect(schedule.lastRun).toMatchObject({ outcome: 'failed', error: { kind: 'cancelled' } })
    expect(await backups.list()).toEqual([])
  })
})
