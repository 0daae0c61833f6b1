import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCluster, type Cluster, type ClusterNode } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'

/** One statement in a session of its own; rejects after `timeoutMs` without an answer. */
async function ask(url: string, sql: string, timeoutMs = 5_000): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  client.on('error', () => {})
  try {
    await client.connect()
    const result = await client.query<{ answer: unknown }>(sql)
    return result.rows[0]?.answer
  } finally {
    void client.end().catch(() => {})
  }
}

/** Processes, zombies excepted, that work in a data folder: found independently of the library. */
function processesIn(dataFolder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === dataFolder
    } catch {
      return false
    }
  })
}

const count = 'select count(*)::int as answer from t'
const insert = 'insert into t values (1)'

let cluster: Cluster

beforeAll(async () => {
  const startedAt = performance.now()
  cluster = await startCluster({ engine: 'postgres', replicas: 2, provider: await ownServers() })
  process.stderr.write(`a primary with two replicas was up in ${Math.round(performance.now() - startedAt)} ms\n`)
  await ask(cluster.url, 'create table t (n int)')
  await cluster.waitForReplay()
})

afterAll(async () => { await cluster.destroy() })

/** Rows on a node now. */
const rowsOn = (node: ClusterNode): Promise<unknown> => ask(node.url, count)

describe('a fresh cluster', () => {
  test('has two replicas that stream', async () => {
    expect(await ask(cluster.superuserUrl, "select count(*)::int as answer from pg_stat_replication where state = 'streaming'")).toBe(2)
    expect(cluster.nodes.map(({ role }) => role)).toEqual(['primary', 'replica', 'replica'])
    expect(cluster.replicaUrls).toHaveLength(2)
    expect(await ask(cluster.url, 'show server_version')).toBeUndefined()
    expect(cluster.version).toMatch(/^\d+\.\d+$/)
  })

  test('takes only the right password over TCP', async () => {
    const wrong = new URL(cluster.url)
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('runs its servers under another user than root, in folders only that user may enter', async () => {
    const folder = String(await ask(cluster.superuserUrl, "select current_setting('data_directory') as answer"))
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(`${folder}/../..`).mode & 0o777).toBe(0o700)
    if (process.getuid?.() === 0) expect(statSync(folder).uid).not.toBe(0)
  })

  test('gives a database of its own on every node, and drops it', async () => {
    const made = await cluster.createDatabase()
    const urls = [made.url, ...made.replicaUrls, made.superuserUrl, ...made.superuserReplicaUrls]
    expect(urls).toHaveLength(6)
    for (const url of urls) expect(await ask(url, 'select current_database() as answer')).toBe(made.name)
    await made.drop()
    await expect(ask(made.url, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  })
})

describe('replay', () => {
  test('stands still while paused and catches up when resumed', async () => {
    const replica = cluster.replicas[0]!
    const before = await rowsOn(replica)
    await replica.pauseReplay()
    await ask(cluster.url, insert)
    await expect(cluster.waitForReplay(300)).rejects.toThrow(/node2 has not replayed \d+ bytes after 300 ms \(its replay is paused\)/)
    expect(await rowsOn(replica)).toBe(before)
    await replica.resumeReplay()
    await cluster.waitForReplay()
    expect(await rowsOn(replica)).toBe(Number(before) + 1)
  })

  test('comes later by the delay, on that replica alone', async () => {
    const [late, prompt] = [cluster.replicas[0]!, cluster.replicas[1]!]
    await late.delayReplay(1_500)
    const before = Number(await rowsOn(late))
    const writtenAt = performance.now()
    await ask(cluster.url, insert)
    await eventually(async () => await rowsOn(prompt) === before + 1)
    expect(performance.now() - writtenAt).toBeLessThan(1_000)
    expect(await rowsOn(late)).toBe(before)
    await eventually(async () => await rowsOn(late) === before + 1)
    expect(performance.now() - writtenAt).toBeGreaterThan(1_300)
    await late.delayReplay(0)
    await ask(cluster.url, insert)
    await cluster.waitForReplay(1_000)
  })

  test('cannot be paused on the primary', async () => {
    await expect(cluster.primary.pauseReplay()).rejects.toThrow(/pauseReplay is for replicas; node1/)
  })
})

describe('a server', () => {
  test('that was stopped refuses, and comes back on the same port with its data', async () => {
    const replica = cluster.replicas[1]!
    await replica.stop()
    expect(replica.state).toBe('stopped')
    await expect(ask(replica.url, count)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await ask(cluster.url, insert)
    await replica.start()
    await cluster.waitForReplay()
    expect(await rowsOn(replica)).toBe(await rowsOn(cluster.primary))
  })

  test('that was killed has no process left, and starts again over its stale locks', async () => {
    const node = cluster.primary
    const dataFolder = String(await ask(node.superuserUrl, "select current_setting('data_directory') as answer"))
    const session = new pg.Client({ connectionString: node.url })
    const ended = new Promise((resolve) => session.once('end', resolve))
    session.on('error', () => {})
    await session.connect()
    // A session that is busy does not look whether its main process still lives.
    session.query('select sum(n) from generate_series(1, 3000000000) n').catch(() => {})
    await eventually(async () => await ask(node.superuserUrl, "select count(*)::int as answer from pg_stat_activity where query ~ '^select sum'") === 1)
    expect(processesIn(dataFolder).length).toBeGreaterThan(5)
    await node.kill()
    expect(processesIn(dataFolder)).toEqual([])
    await ended
    expect(readFileSync(`${dataFolder}/postmaster.pid`, 'utf8')).toContain(dataFolder)
    await node.start()
    expect(await ask(node.url, insert)).toBeUndefined()
    await cluster.waitForReplay()
  })

  test('that is frozen keeps connections open and answers nothing until it thaws', async () => {
    const replica = cluster.replicas[0]!
    const session = new pg.Client({ connectionString: replica.url })
    await session.connect()
    await replica.freeze()
    expect(replica.state).toBe('frozen')
    let answered = false
    const answer = session.query(count).then(() => { answered = true })
    await expect(ask(replica.url, count, 400)).rejects.toThrow(/timeout/)
    expect(answered).toBe(false)
    await replica.thaw()
    await answer
    await session.end()
    await cluster.waitForReplay()
  })
})

describe('the roles', () => {
  test('change: a promoted replica takes writes, the other follows it, the killed primary comes back as a replica', async () => {
    const former = cluster.primary
    await former.kill()
    const promoted = await cluster.promote()
    expect(cluster.primary).toBe(promoted)
    expect(former.role).toBe('former-primary')
    expect(cluster.replicas).toHaveLength(1)
    await ask(cluster.url, insert)
    await cluster.waitForReplay()
    expect(await rowsOn(cluster.replicas[0]!)).toBe(await rowsOn(promoted))
    await cluster.rejoin(former)
    expect(cluster.replicas).toHaveLength(2)
    await cluster.waitForReplay()
    expect(await rowsOn(former)).toBe(await rowsOn(promoted))
    await expect(ask(former.url, insert)).rejects.toMatchObject({ code: '25006' })
  })

  test('change while the primary is frozen: what it takes after the thaw is lost when it rejoins', async () => {
    const former = cluster.primary
    await former.freeze()
    await cluster.promote(cluster.replicas[1])
    await former.thaw()
    const rows = Number(await rowsOn(former))
    await ask(former.url, insert)
    expect(await rowsOn(former)).toBe(rows + 1)
    await cluster.rejoin(former)
    await cluster.waitForReplay()
    expect(await rowsOn(former)).toBe(await rowsOn(cluster.primary))
    expect(await rowsOn(former)).toBe(rows)
  })

  test('grow: an added replica streams and has everything', async () => {
    const added = await cluster.addReplica()
    expect(added.role).toBe('replica')
    expect(cluster.nodes).toHaveLength(4)
    await ask(cluster.url, insert)
    await cluster.waitForReplay()
    expect(await rowsOn(added)).toBe(await rowsOn(cluster.primary))
  })
})
