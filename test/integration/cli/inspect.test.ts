import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { capture } from '../../unit/cli/capture.js'

const server = await freshDatabase()
const env = { DATABASE_URL: server.primaryUrl, DATABASE_REPLICA_URLS: server.replicaUrls.join(',') }
await server.admin('create table item (id int primary key, v int)')
await server.admin('insert into item select n, n from generate_series(1, 20000) n')
await server.admin('analyze item')
await server.admin('grant all on item to public')

const json = (out: string): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>
const nowhere = { DATABASE_URL: 'postgres://app:Zq9Xv7Kp@127.0.0.1:1/shop' }

describe('sluice status', () => {
  it('shows every node, and ends with 0 while the database can be worked with', async () => {
    const { exitCode, out, err } = await capture(['status'], env)
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
    expect(out).toMatch(/^postgres: healthy\n\nNODE +ROLE +STATE/)
    expect(out.match(/ replica +up /g)).toHaveLength(2)
    const status = json((await capture(['status', '--json'], env)).out)
    expect(status).toMatchObject({ healthy: true, engine: 'postgres', warnings: [] })
    expect(status['nodes']).toHaveLength(3)
  })

  it('ends with 1 when there is no primary, says why, and never with which password', async () => {
    const { exitCode, out, err } = await capture(['status'], nowhere)
    expect(exitCode).toBe(1)
    expect(out).toMatch(/not healthy[\s\S]*warning: .*127\.0\.0\.1:1/)
    expect(out + err).not.toContain('Zq9Xv7Kp')
  })
})

describe('sluice analyze', () => {
  it('shows the plan without running the statement', async () => {
    const { exitCode, out } = await capture(['analyze', 'delete from item where v = 7'], env)
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringMatching(/Seq Scan on item[\s\S]*not run/) as unknown })
  })

  it('gives advice with --run, and takes back what the statement changed', async () => {
    const { exitCode, out } = await capture(['analyze', 'delete from item where v = 7', '--run', '--json'], env)
    expect(exitCode).toBe(0)
    expect(json(out)['advice']).toEqual([expect.stringContaining('an index on the columns of that condition')])
    expect(await server.admin('select count(*)::int as n from item')).toEqual([{ n: 20_000 }])
  })

  it('ends with 1 and the error of a statement that has no plan', async () => {
    const { exitCode, err } = await capture(['analyze', 'select * from nowhere'], env)
    expect(exitCode).toBe(1)
    expect(err).toContain('error: ')
  })
})

describe('sluice connections and sluice doctor', () => {
  it('show who waits for whom, without the values in their statements', async () => {
    const [holder, waiter] = [0, 1].map(() => new pg.Client({ connectionString: server.primaryUrl, application_name: 'sluice-test-admin' }))
    for (const client of [holder, waiter]) await client?.connect()
    try {
      await holder?.query('begin')
      await holder?.query("update item set v = 4711 where id = 1 and 'a secret' <> ''")
      const waiting = waiter?.query('update item set v = 1 where id = 1')
      await eventually(async () => (await capture(['connections'], env)).exitCode === 1)
      const seen = json((await capture(['connections', '--json'], env)).out)
      const sessions = seen['sessions'] as { id: number; state: string; query: string; blockedBy: number[] }[]
      const held = sessions.find(({ state }) => state === 'idle in transaction')
      expect(sessions.find(({ blockedBy }) => blockedBy.length > 0)?.blockedBy).toEqual([held?.id])
      expect(held?.query).toBe('update item set v = ? where id = ? and ? <> ?')
      expect(seen).toMatchObject({ max: expect.any(Number) as unknown, byState: { 'idle in transaction': 1 } })
      expect((await capture(['doctor'], env)).out).toMatch(/! locks: \d+ waits for \d+/)
      await holder?.query('rollback')
      await waiting
      expect(await capture(['connections'], env)).toMatchObject({ exitCode: 0, err: '' })
    } finally {
      for (const client of [holder, waiter]) await client?.end()
    }
  })

  it('the doctor looks at nodes, limits and locks, and fails when the primary is away', async () => {
    const { exitCode, out, err } = await capture(['doctor', '--json'], env)
    expect(err).toBe('')
    const report = json(out)
    const checks = (report['findings'] as { check: string; verdict: string }[]).filter(({ verdict }) => verdict !== 'failure').map(({ check }) => check)
    expect({ exitCode, ok: report['ok'] }).toEqual({ exitCode: 0, ok: true })
    expect(checks).toEqual(expect.arrayContaining(['runtime', 'encryption', 'clock', 'statement timeout', 'idle transactions', 'connections', 'locks']))
    expect(checks).toHaveLength(11)
    const away = await capture(['doctor'], nowhere)
    expect(away.exitCode).toBe(1)
    expect(away.out + away.err).not.toContain('Zq9Xv7Kp')
  })
})
