import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Database } from '../../src/index.js'

// How a service tests itself against a container that it starts on its own: the library needs nothing but the address.
const PASSWORD = 'a-password-for-this-test'

let container: StartedTestContainer
let db: Database

beforeAll(async () => {
  container = await new GenericContainer(process.env['SLUICE_TEST_POSTGRES_IMAGE'] ?? 'postgres:17-alpine')
    .withEnvironment({ POSTGRES_PASSWORD: PASSWORD, PGDATA: '/var/lib/postgresql/own' })
    .withExposedPorts(5432)
    // the first time is the server that only runs the image's own scripts
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .withStartupTimeout(300_000)
    .start()
  db = await Database.open({
    primary: { host: container.getHost(), port: container.getMappedPort(5432), user: 'postgres', password: PASSWORD, database: 'postgres' },
  })
}, 600_000)

afterAll(async () => {
  await db.close()
  await container.stop()
}, 120_000)

test('a service\'s own repository works against a container', async () => {
  await db.execute('create table account (id int primary key, balance int not null)')
  await db.batch([['insert into account values ($1, $2)', [1, 100]], ['insert into account values ($1, $2)', [2, 0]]])
  await db.transaction(async (tx) => {
    await tx.execute('update account set balance = balance - $1 where id = $2', [30, 1])
    await tx.execute('update account set balance = balance + $1 where id = $2', [30, 2])
  }, { isolationLevel: 'serializable' })
  expect(await db.many('select id, balance from account order by id')).toEqual([{ id: 1, balance: 70 }, { id: 2, balance: 30 }])
})
