import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import type { ConnectSettings } from '../../src/core/driver.js'
import { sqlite } from '../../src/drivers/sqlite/index.js'
import { driverConformance, sqliteConformance } from '../../src/testing/conformance.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-sqlite-'))

afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

function settings(database: string, readOnly = false): ConnectSettings {
  return {
    target: {
      scheme: 'sqlite', hosts: [], targetSessionAttrs: 'any', database, tls: { mode: 'disable' }, parameters: {}, driverOptions: {},
    },
    readOnly, connectTimeoutMs: 5_000, statementTimeoutMs: 0, maxPreparedStatements: 100,
  }
}

describe.each([
  ['a file', join(folder, 'conformance.db')],
  ['memory', ':memory:'],
])('the sqlite driver conforms on %s', (_, database) => {
  const cases = driverConformance({
    driver: sqlite,
    settings: settings(database),
    sql: sqliteConformance,
    refused: [
      { kind: 'unknown-database', settings: settings(join(folder, 'no', 'such', 'folder', 'x.db')) },
      { kind: 'unknown-database', settings: settings(join(folder, 'missing.db'), true) },
    ],
  })
  for (const { name, run } of cases) test(name, run)
})
