import { afterAll, describe, test } from 'vitest'
import { statement } from '../../src/core/statement.js'
import { postgres } from '../../src/drivers/postgres/index.js'
import { exampleDriver } from '../fixtures/example-driver.js'
import { driverConformance, postgresConformance } from '../../src/testing/conformance.js'
import { BareServer } from '../support/postgres-server.js'

// Started while the file loads: the cases are made from the running server's settings.
const server = await BareServer.start({
  hba: ['host all guarded 127.0.0.1/32 scram-sha-256'], settings: { deadlock_timeout: '100ms' },
})
const owner = await postgres.connect(server.connectSettings())
await owner.query(statement(`create role guarded login password 'right'; create role crowded login connection limit 0`))
await owner.close()

afterAll(async () => { await server.stop() })

describe('the example driver conforms', () => {
  const cases = driverConformance({
    driver: exampleDriver,
    settings: server.connectSettings(),
    sql: postgresConformance,
    refused: [
      { kind: 'authentication', settings: server.connectSettings({ user: 'guarded', password: 'wrong' }) },
      { kind: 'authentication', settings: server.connectSettings({ user: 'nobody at all' }) },
      { kind: 'unknown-database', settings: server.connectSettings({ database: 'nowhere' }) },
      { kind: 'too-many-connections', settings: server.connectSettings({ user: 'crowded' }) },
    ],
  })
  for (const { name, run } of cases) test(name, run)
})
