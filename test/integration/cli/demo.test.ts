import { afterEach, describe, expect, it, vi } from 'vitest'
import { sleep } from '../../../src/core/deadline.js'
import { freshDatabase } from '../../support/database.js'
import { capture } from '../../unit/cli/capture.js'
import { PrivateTemp, start, type Running } from './binary.js'

const TIMEOUT_MS = 240_000
const CLAIMS = [
  'programs that start at once migrate once', 'what the migrations promise holds',
  'no read failed', 'no write failed', 'no write lost, none doubled', 'every replica holds the same', 'no transaction half done',
  'the servers counted the same reads', 'no write ran on a replica', 'reads went on while it was dead', 'it takes reads again',
  'writes go on at the new primary', 'the failover lost and doubled no write', 'reads went on without a primary',
]

const database = await freshDatabase()

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await sleep(50)
}

/** The first request is a polite one; the watchdog sees to the servers. */
function end({ child }: Running): void {
  if (child.exitCode === null) child.kill('SIGKILL')
}

describe('sluice demo with servers of its own', () => {
  const temp = new PrivateTemp()
  let running: Running | undefined
  afterEach(() => {
    if (running) end(running)
    vi.unstubAllEnvs()
  })

  it('kills a replica under load, proves every claim by the servers\' own counts, and leaves nothing behind', async () => {
    vi.stubEnv('TMPDIR', temp.folder)
    const { exitCode, out, err } = await capture(['demo', '--plain', '--seconds', '4'])
    expect(out + err).toContain(`All ${String(CLAIMS.length)} claims held.`)
    expect(exitCode).toBe(0)
    expect(err).toBe('')
    for (const claim of CLAIMS) expect(out).toMatch(new RegExp(`^ \\+ {2}${claim} `, 'm'))
    expect(out).toContain('kill -9 on all processes of replica-2')
    expect(out).toContain('replica-2 takes reads again')
    expect(out).toMatch(/^replica-\d was promoted and takes writes, [\d.,]+ ms after the kill$/m)
    expect(out).toMatch(/^ +\d\.\d s {2}primary up .* \| replica-2 .* \| reads [\d,]+ \(0 failed\), writes [\d,]+ \(0 failed\)$/m)
    expect(out).not.toContain('\u001B')
    expect(temp.clusters()).toEqual([])
    await until(() => temp.processes().length === 0)
  }, TIMEOUT_MS)

  it('clears everything away on Ctrl-C, in the middle of the load', async () => {
    running = start(['demo', '--plain', '--seconds', '60'], { TMPDIR: temp.folder })
    const { child, out } = running
    await until(() => out().includes('(0 failed)') || child.exitCode !== null)
    expect(temp.clusters()).toHaveLength(1)
    expect(temp.processes().length).toBeGreaterThanOrEqual(3)
    child.kill('SIGINT')
    const { exitCode, out: all } = await running.ended
    expect(all).toContain('interrupted')
    expect(exitCode).toBe(130)
    expect(temp.clusters()).toEqual([])
    await until(() => temp.processes().length === 0)
    temp.remove()
  }, TIMEOUT_MS)
})

describe('sluice demo with servers of one\'s own', () => {
  const ownServers = { DATABASE_URL: database.primaryUrl, DATABASE_REPLICA_URLS: database.replicaUrls.join(',') }
  const schemas = async (): Promise<unknown[]> =>
    (await database.admin("select nspname as name from pg_namespace where nspname like 'sluice_demo_%'")).map((row) => row['name'])

  it('kills nobody, says so, drops its schema, and prints the result as JSON', async () => {
    const { exitCode, out, err } = await capture(['demo', '--json', '--seconds', '2'], ownServers)
    const result = JSON.parse(out) as { held: boolean, claims: { claim: string, held: boolean }[], servers: { role: string, rows: number }[] }
    expect(result.claims.filter(({ held }) => !held)).toEqual([])
    expect(result.claims.map(({ claim }) => claim)).toEqual(CLAIMS.slice(2, -5))
    expect(result.held).toBe(true)
    expect(result.servers.map(({ role }) => role)).toEqual(['primary', 'replica', 'replica'])
    expect(new Set(result.servers.map(({ rows }) => rows)).size).toBe(1)
    expect(exitCode).toBe(0)
    expect(err).toContain('no server is killed: the servers are yours')
    expect(err).toContain('the primary is not replaced: the servers are yours')
    expect(await schemas()).toEqual([])
  }, TIMEOUT_MS)

  it('fails with the claim in words when a row is doubled behind its back', async () => {
    let ended = false
    const running = capture(['demo', '--plain', '--seconds', '3'], ownServers).finally(() => { ended = true })
    await until(async () => ended || (await schemas()).length === 1)
    const orders = `${String((await schemas())[0])}.orders`
    await until(async () => {
      const doubled = await database.admin(`insert into ${orders} select * from ${orders} limit 1 returning id`).catch(() => [])
      return doubled.length === 1 || ended
    })
    const { exitCode, out } = await running
    expect(out).toMatch(/^ x {2}no write lost, none doubled +acknowledged were [\d,]+ ids/m)
    expect(out).toMatch(/^ x {2}every replica holds the same /m)
    expect(out).toMatch(/^ \d of 7 claims did not hold: /m)
    expect(exitCode).toBe(1)
    expect(await schemas()).toEqual([])
  }, TIMEOUT_MS)
})

describe('sluice demo of another engine', () => {
  it.each([['sqlite', 6], ['mariadb', 10], ['pglite', 7]] as const)('%s proves what can be proven there', async (engine, claims) => {
    const { exitCode, out, err } = await capture(['demo', '--plain', '--seconds', '1', '--engine', engine])
    expect(out + err).toContain(`All ${String(claims)} claims held.`)
    expect(exitCode).toBe(0)
  }, TIMEOUT_MS)
})
