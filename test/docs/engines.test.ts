import { describe, expect, it } from 'vitest'
import type { Driver } from '../../src/core/driver.js'
import { mariadb } from '../../src/drivers/mariadb/index.js'
import { mysql } from '../../src/drivers/mysql/index.js'
import { pglite } from '../../src/drivers/pglite/index.js'
import { postgres } from '../../src/drivers/postgres/index.js'
import { sqlite } from '../../src/drivers/sqlite/index.js'
import { read } from './repository.js'

const DRIVERS = { postgres, mysql, mariadb, sqlite, pglite }
const FILE = { scheme: 'file', hosts: [], targetSessionAttrs: 'any', database: 'app.db', tls: { mode: 'disable' }, parameters: {}, driverOptions: {} } as const

/** Cells of a section's table by row and column: `yes` or `–`. */
function table(heading: string): Record<string, Record<string, string>> {
  const section = read('docs/engines.md').split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
  const [head = [], , ...rows] = lines
  return Object.fromEntries(rows.map((cells) => [cells[0]!.replaceAll('`', ''), Object.fromEntries(head.slice(2).map((engine, index) => [engine, cells[index + 2]!]))]))
}

/** The same table as the code would write it. */
function expected(parts: (driver: Driver) => Record<string, boolean>): Record<string, Record<string, string>> {
  const rows: Record<string, Record<string, string>> = {}
  for (const [engine, driver] of Object.entries(DRIVERS)) {
    for (const [part, has] of Object.entries(parts(driver))) (rows[part] ??= {})[engine] = has ? 'yes' : '–'
  }
  return rows
}

describe('docs/engines.md', () => {
  it('says of every feature which engine has it, as the dialects do', () => {
    expect(table('What the engines can do')).toEqual(expected(({ dialect }) => ({ ...dialect.features })))
  })

  it('says which parts of the library work with which engine', () => {
    expect(table('What the library does with them')).toEqual(expected(({ dialect, dump, readers }) => ({
      replicas: !dialect.features.embedded || readers?.(FILE) === true,
      positions: dialect.positions !== undefined,
      fates: dialect.probes.transactionFate !== undefined,
      migrations: dialect.migrations !== undefined,
      backups: dump !== undefined,
      databases: dialect.databases !== undefined,
      inspection: dialect.inspection !== undefined,
    })))
  })
})

describe('docs/guides/write-a-driver.md', () => {
  it('has the very driver that passes the conformance cases', () => {
    const shown = [...read('docs/guides/write-a-driver.md').matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code)
    expect(shown).toContain(read('test/fixtures/example-driver.ts').replace("'../../src/index.js'", "'sluice'").replace('export const', 'const'))
  })
})
