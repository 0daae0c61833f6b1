import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../../src/index.js'
import { opener } from '../database/open.js'
import { ownCluster } from './replay.js'
import { sessionScenarios } from './scenarios.js'

const server = await ownCluster()
const open = opener(server)
const PATIENT = { consistency: { causalReadsTimeoutMs: 20_000 } } as const

beforeAll(async () => { await server.admin('alter default privileges in schema public grant all on tables to public') })

sessionScenarios(server, {
  addEntry: "create function add_entry(id int) returns int language sql as 'insert into entry values ($1) returning id'",
  opaque: ['do $$ begin insert into entry values (3); end $$'], returning: true, writableCte: true,
})

describe('on PostgreSQL', () => {
  const insert = 'insert into entry (id) values ($1)'

  beforeEach(async () => {
    await server.admin('delete from entry')
    await server.waitForReplay()
  })

  async function read(db: Database): Promise<{ n: number; node: string; route: string }> {
    const { rows, node, route } = await db.query<{ n: number }>('select count(*)::int as n from entry')
    return { n: rows[0]?.n ?? -1, node, route }
  }

  it.each(['set synchronous_commit = off', undefined])('commits that are not waited for are seen all the same (%s)', async (setting) => {
    const db = await open(PATIENT)
    await db.session(async () => {
      for (let id = 1; id <= 5; id++) {
        if (setting === undefined) {
          await db.transaction(async (tx) => {
            await tx.query('set local synchronous_commit = off')
            await tx.execute(insert, [id])
          })
        } else {
          await db.connection(async (connection) => {
            await connection.query(setting)
            await connection.execute(insert, [id])
          })
        }
        await expect(read(db)).resolves.toMatchObject({ n: id })
      }
    })
  })

  it('a token of another cluster leads to the primary once, and from there on to replicas', async () => {
    const db = await open(PATIENT)
    await db.execute(insert, [1])
    const [version = '', body = ''] = db.causalToken().split('.')
    const text = Buffer.from(body, 'base64url').toString()
    const foreign = Buffer.from(text.replace(/^\d+/, '1234')).toString('base64url')
    const { encodeToken } = await import('../../../src/database/token.js')
    const [, position] = text.split('\n')
    const token = encodeToken({ systemId: '1234', position, doubtful: false })
    expect(token).toContain(`${version}.${foreign}`)
    await db.session(async () => {
      await expect(read(db)).resolves.toMatchObject({ n: 1, node: new URL(server.primaryUrl).host, route: 'causal' })
      await expect(read(db)).resolves.toMatchObject({ n: 1, route: 'read' })
    }, { token })
  })
})
