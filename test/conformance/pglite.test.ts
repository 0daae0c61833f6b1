import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import type { ConnectSettings } from '../../src/core/driver.js'
import { pglite } from '../../src/drivers/pglite/index.js'
import { driverConformance, pgliteConformance } from '../../src/testing/conformance.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-pglite-'))
writeFileSync(join(folder, 'file'), '')

function settings(database: string, readOnly = false): ConnectSettings {
  return {
    target: {
      scheme: 'pglite', hosts: [], targetSessionAttrs: 'any', database, tls: { mode: 'disable' }, parameters: {}, driverOptions: {},
    },
    readOnly, connectTimeoutMs: 5_000, statementTimeoutMs: 0, maxPreparedStatements: 100,
  }
}

describe.each([
  ['a folder', join(folder, 'data')],
  ['memory', ':memory:'],
])('the pglite driver conforms on %s', (_, database) => {
  const target = settings(database)
  // Held on to as a Database does: each case would start it anew.
  const letGo = pglite.keep?.(target.target)
  afterAll(async () => { await letGo?.() })
  const cases = driverConformance({
    driver: pglite,
    settings: target,
    sql: pgliteConformance,
    refused: [
      { kind: 'unknown-database', settings: settings(join(folder, 'no', 'such', 'folder', 'data')) },
      { kind: 'unknown-database', settings: settings(join(folder, 'file')) },
      { kind: 'unknown-database', settings: settings(join(folder, 'missing'), true) },
    ],
  })
  for (const { name, run } of cases) test(name, run)
})

afterAll(() => { rmSync(folder, { recursive: true, force: true }) })
