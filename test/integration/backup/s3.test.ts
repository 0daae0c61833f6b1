import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { backupBench } from '../../support/backups.js'
import { S3Server } from '../../support/s3-server.js'
import { errorOf } from '../database/open.js'

// each test starts several programs, and restores
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()
const s3 = await new S3Server().start()

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.keys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.keys.secretAccessKey)
  await bench.sql(`create table t (id int primary key, pad text); insert into t select n, md5(n::text) from generate_series(1, 20000) n`)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await s3.stop()
})

describe('backups in S3', () => {
  it('are made, verified by a real restore, and restored', async () => {
    const backups = bench.manager({ location: s3.location('trip') })
    const { id } = await backups.backup()
    expect([...s3.objects.keys()].every((key) => key.startsWith('trip/v1/'))).toBe(true)
    expect(await backups.verify(id, { level: 3 })).toMatchObject({ ok: true, good: true })
    await backups.restore(id, { database: `${bench.name}_s3` })
    expect(await bench.sql('select count(*)::int as n from t', `${bench.name}_s3`)).toEqual([{ n: 20000 }])
    expect(s3.uploads.size).toBe(0)
  })

  it('B20: hold no credentials, neither of the server nor of the bucket', async () => {
    const backups = bench.manager({ location: s3.location('secrets') })
    await backups.backup()
    const stored = Buffer.concat([...s3.objects].filter(([key]) => key.startsWith('secrets/')).map(([, { data }]) => data)).toString('latin1')
    expect(stored).not.toContain(s3.keys.secretAccessKey)
    expect(stored).not.toContain(s3.keys.accessKeyId)
  })

  it('whose manifest cannot be stored are not listed, and nothing of them is left', async () => {
    const backups = bench.manager({ location: s3.location('half') })
    s3.behaviour.fault = ({ key, operation }) => (operation === 'put' && key.endsWith('manifest.json') ? 'denied' : undefined)
    expect(await errorOf(backups.backup())).toMatchObject({ kind: 'failed', message: expect.stringContaining('HTTP 403 AccessDenied') as string })
    s3.behaviour.fault = undefined
    expect(await backups.list()).toEqual([])
    expect([...s3.objects.keys()].filter((key) => key.startsWith('half/'))).toEqual([])
  })

  it('that an object lock keeps are retained by a clean-up, which is no error', async () => {
    const backups = bench.manager({ location: s3.location('locked'), keep: { last: 1, daily: 1 } })
    const made = []
    for (let n = 0; n < 4; n++) made.push((await backups.backup()).id)
    s3.behaviour.fault = ({ operation }) => (operation === 'delete' ? 'denied' : undefined)
    const { delete: deleted, retained } = await backups.cleanup()
    s3.behaviour.fault = undefined
    expect(deleted).toEqual([])
    expect(retained.length).toBeGreaterThan(0)
    expect((await backups.list()).map(({ id }) => id).sort()).toEqual(made.sort())
  })
})
