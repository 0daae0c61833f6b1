import pg from 'pg'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../support/database.js'

const database = await freshDatabase()

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<{ answer: unknown }>(sql)).rows[0]?.answer
  } finally {
    await client.end()
  }
}

test('the database is there on the primary and on both replicas, for its owner and for the superuser', async () => {
  const urls = [database.primaryUrl, ...database.replicaUrls, database.adminUrl, ...database.adminReplicaUrls]
  expect(urls).toHaveLength(6)
  expect(await Promise.all(urls.map((url) => ask(url, 'select current_database() as answer')))).toEqual(urls.map(() => database.name))
  const recovering = await Promise.all(urls.map((url) => ask(url, 'select pg_is_in_recovery() as answer')))
  expect(recovering).toEqual([false, true, true, false, true, true])
})

test('what its owner writes is on both replicas after waitForReplay', async () => {
  await ask(database.primaryUrl, 'create table t as select 42 as answer')
  await database.waitForReplay()
  expect(await Promise.all(database.replicaUrls.map((url) => ask(url, 'select answer from t')))).toEqual([42, 42])
})

test('the suite runs in a zone half an hour off', () => {
  expect(new Date('2026-11-20T00:00:00Z').getHours()).toBe(5)
  expect(new Date('2026-11-20T00:00:00Z').getMinutes()).toBe(30)
})
