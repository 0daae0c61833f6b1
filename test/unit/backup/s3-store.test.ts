import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { placeOf } from '../../../src/backup/location.js'
import { readText, writeText, type BackupStore } from '../../../src/backup/store.js'
import { storeAt } from '../../../src/backup/store-at.js'
import { eventually } from '../../support/eventually.js'
import { S3Server } from '../../support/s3-server.js'
import { errorOf } from '../../integration/database/open.js'

const MB = 1_048_576
let s3: S3Server
let store: BackupStore

beforeEach(async () => {
  s3 = await new S3Server().start()
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.keys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.keys.secretAccessKey)
  store = storeAt(s3.location())
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await s3.stop()
})

/** Megabytes that are all different; `then` is what comes after them. */
async function* megabytes(count: number, then: () => void | Promise<void> = () => {}): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(MB, n + 1)
  await then()
}

async function sha256(source: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of source) hash.update(part as Buffer)
  return hash.digest('hex')
}

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list(prefix)) found.push(key)
  return found
}

const nothingIsLeft = (): void => {
  expect([...s3.objects.keys()]).toEqual([])
  expect([...s3.uploads.keys()]).toEqual([])
}

describe('a store in S3', () => {
  it('writes, reads, lists beyond one page, and removes', async () => {
    for (let n = 0; n < 8; n++) await writeText(store, `v1/a/${String(n)}.json`, `text ${String(n)}`)
    expect(await readText(store, 'v1/a/7.json')).toBe('text 7')
    expect(await keys('v1/a/')).toHaveLength(8)
    expect([...s3.objects.keys()][0]).toBe('shop/v1/a/0.json')
    await store.remove('v1/a/7.json')
    await store.remove('v1/a/7.json')
    expect(await errorOf(store.read('v1/a/7.json'))).toMatchObject({ kind: 'notFound' })
  })

  it('B3: every third part refused and every fourth connection cut: what is read is what was written', async () => {
    s3.behaviour.fault = ({ operation, count }) =>
      operation !== 'part' && operation !== 'get' ? undefined : operation === 'part' && count % 3 === 0 ? 'unavailable' : count % 4 === 1 ? 'reset' : undefined
    await store.write('data.dump', megabytes(50))
    expect(await sha256(await store.read('data.dump'))).toBe(await sha256(megabytes(50)))
    expect(s3.uploads.size).toBe(0)
    expect(s3.counts.get('get')).toBeGreaterThan(1)
  })

  it('B1: a source that fails after 20 MB is the error that is thrown, and nothing is left', async () => {
    const died = new Error('pg_dump was ended by SIGKILL')
    const dying = async (): Promise<void> => {
      await eventually(() => (s3.counts.get('part') ?? 0) > 0)
      throw died
    }
    expect(await errorOf(store.write('data.dump', megabytes(20, dying)))).toBe(died)
    nothingIsLeft()
  })

  it('B4: a part that always fails ends the upload with its HTTP status, long before the source is read to its end', async () => {
    s3.behaviour.fault = ({ part }) => (part === 2 ? 'internal' : undefined)
    let read = 0
    async function* endless(): AsyncGenerator<Buffer> {
      for (;; read++) yield Buffer.alloc(MB, await Promise.resolve(read % 256))
    }
    const error = await errorOf(store.write('data.dump', endless()))
    expect(error).toMatchObject({ kind: 'failed', message: expect.stringMatching(/data\.dump failed: HTTP 500 InternalError/) as string })
    nothingIsLeft()
  })

  it('an abort while the endpoint does not answer ends the upload, and takes the multipart back', async () => {
    s3.behaviour.fault = ({ operation }) => (operation === 'part' ? 'stall' : undefined)
    const caller = new AbortController()
    const written = errorOf(store.write('data.dump', megabytes(40), { signal: caller.signal }))
    await eventually(() => (s3.counts.get('part') ?? 0) > 0)
    const reason = new Error('enough')
    caller.abort(reason)
    expect(await written).toBe(reason)
    nothingIsLeft()
  })

  it.each([['small', 1], ['in parts', 20]])('refuses a key that is taken when asked to (%s)', async (_name, size) => {
    expect(await store.write('lock', megabytes(size), { ifAbsent: true })).toBe(true)
    expect(await store.write('lock', megabytes(size + 1), { ifAbsent: true })).toBe(false)
    expect(s3.objects.get('shop/lock')?.data.length).toBe(size * MB)
    expect(s3.uploads.size).toBe(0)
  })

  it('B27: an endpoint without conditional writes says so, and is not taken for one that has the key', async () => {
    s3.behaviour.rejectsConditions = true
    expect(await errorOf(writeText(store, 'lock', 'x', { ifAbsent: true }))).toMatchObject({ kind: 'failed', message: expect.stringContaining('HTTP 501') as string })
  })

  it('B27: an endpoint that refuses CRC32 works with checksums=false', async () => {
    s3.behaviour.rejectsChecksums = true
    expect(await errorOf(writeText(store, 'a', 'x'))).toMatchObject({ kind: 'failed', message: expect.stringContaining('HTTP 501') as string })
    store = storeAt(s3.location('shop', '&checksums=false'))
    await store.write('data.dump', megabytes(20))
    expect(await sha256(await store.read('data.dump'))).toBe(await sha256(megabytes(20)))
  })

  it('B5: unfinished uploads below a prefix are taken back when they are old enough, all pages of them', async () => {
    for (let n = 0; n < 8; n++) s3.uploads.set(`dead-${String(n)}`, { key: `shop/v1/a/${String(n)}`, at: new Date(0), parts: new Map() })
    s3.uploads.set('fresh', { key: 'shop/v1/a/x', at: new Date(), parts: new Map() })
    s3.uploads.set('other', { key: 'elsewhere/v1/a/x', at: new Date(0), parts: new Map() })
    expect(await store.sweep?.('v1/a/', 60_000)).toBe(8)
    expect([...s3.uploads.keys()].sort()).toEqual(['fresh', 'other'])
  })

  it('B20: an error holds no secret, and a wrong secret is refused', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'an0ther/s3cr3t')
    const error = await errorOf(writeText(storeAt(s3.location()), 'a', 'x'))
    expect(error).toMatchObject({ message: expect.stringContaining('SignatureDoesNotMatch') as string })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('an0ther/s3cr3t')
  })
})

describe('a location in S3', () => {
  it('names bucket, prefix, region and endpoint', () => {
    expect(placeOf('s3://backups/a/b/?region=eu-west-1')).toEqual({
      s3: { bucket: 'backups', prefix: 'a/b/', region: 'eu-west-1', endpoint: undefined, pathStyle: false, checksums: true },
    })
    expect(placeOf('s3://backups?endpoint=https://r2.example.com&checksums=false')).toMatchObject({
      s3: { prefix: '', endpoint: 'https://r2.example.com/', pathStyle: true, checksums: false },
    })
  })

  it.each([
    ['s3://key:s3cr3t@backups/x', 'holds credentials'], ['s3://backups?endpoint=https://key:s3cr3t@host', 'holds credentials'],
    ['s3://backups?secret=s3cr3t', 'knows no parameter'], ['s3://', 'expected s3://'], ['s3://backups?endpoint=s3cr3t', 'endpoint: expected'],
    ['s3://backups?pathStyle=s3cr3t', 'expected true or false'], ['gs://backups', 'file:<folder> or s3://'],
  ])('%s is refused, and what it holds is not repeated', (location, expected) => {
    expect(() => placeOf(location)).toThrow(expected)
    expect(() => placeOf(location)).not.toThrow(/s3cr3t/)
  })
})
