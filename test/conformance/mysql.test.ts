import { createConnection } from 'mysql2/promise'
import { afterAll, describe, test } from 'vitest'
import type { ConnectSettings, Driver } from '../../src/core/driver.js'
import { mariadb } from '../../src/drivers/mariadb/index.js'
import { mysql } from '../../src/drivers/mysql/index.js'
import { driverConformance, mariadbConformance, mysqlConformance, type ConformanceSql } from '../../src/testing/conformance.js'
import { startCluster, type Cluster } from '../../src/testing/index.js'

function settings(cluster: Cluster, own: { user?: string; password?: string; database?: string } = {}): ConnectSettings {
  const { username, password, hostname, port, pathname } = new URL(cluster.url)
  return {
    target: {
      scheme: 'mysql', hosts: [{ host: hostname, port: Number(port) }], targetSessionAttrs: 'any', tls: { mode: 'prefer' },
      user: username, password, database: pathname.slice(1), parameters: {}, driverOptions: {}, ...own,
    },
    readOnly: false, connectTimeoutMs: 10_000, statementTimeoutMs: 30_000, maxPreparedStatements: 100,
  }
}

/** To whom a server says that there is no such database: others are only told that they may not enter. */
function superuser(cluster: Cluster): { user: string; password: string } {
  const { username, password } = new URL(cluster.superuserUrl)
  return { user: username, password }
}

/** Users who are let in by nobody, or not now; and what a session may look at to count its prepared statements. */
async function makeUsers(cluster: Cluster): Promise<void> {
  const admin = await createConnection(cluster.superuserUrl)
  for (const statement of [
    "create user crowded@'%' identified by 'right' with max_user_connections 1", "grant all on *.* to crowded@'%'",
    "grant select on performance_schema.* to app@'%'",
  ]) await admin.query(statement)
  await admin.end()
}

// Started while the file loads: the cases are made from the running servers' settings.
async function start(engine: 'mariadb' | 'mysql', driver: Driver, sql: ConformanceSql): Promise<void> {
  const cluster = await startCluster({ engine })
  await makeUsers(cluster)
  const crowd = await driver.connect(settings(cluster, { user: 'crowded', password: 'right' }))
  afterAll(async () => {
    await crowd.close()
    await cluster.destroy()
  })
  describe(`the ${engine} driver conforms, on ${cluster.version}`, () => {
    const cases = driverConformance({
      driver, sql, settings: settings(cluster),
      refused: [
        { kind: 'authentication', settings: settings(cluster, { password: 'wrong' }) },
        { kind: 'authentication', settings: settings(cluster, { user: 'nobody at all' }) },
        { kind: 'unknown-database', settings: settings(cluster, { ...superuser(cluster), database: 'nowhere' }) },
        { kind: 'too-many-connections', settings: settings(cluster, { user: 'crowded', password: 'right' }) },
      ],
    })
    for (const { name, run } of cases) test(name, run)
  })
}

await start('mariadb', mariadb, mariadbConformance)
await start('mysql', mysql, mysqlConformance)
