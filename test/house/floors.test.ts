import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A little tree that breaks each rule once, and keeps the exceptions: importer -> what it imports. */
const TREE: Record<string, readonly string[]> = {
  'src/core/plain.ts': [],
  'src/core/greedy.ts': ['zod', '../pool/pool.js'],
  'src/core/builtin.ts': ['node:events'],
  'src/pool/pool.ts': ['../core/plain.js', 'generic-pool'],
  'src/pool/sideways.ts': ['../sql/lexer.js'],
  'src/sql/lexer.ts': [],
  'src/router/router.ts': ['../pool/pool.js', '../sql/lexer.js'],
  'src/router/sideways.ts': ['../cache/cache.js'],
  'src/cache/cache.ts': ['lru-cache'],
  'src/config/url.ts': ['zod', 'yaml'],
  'src/config/wires.ts': ['../drivers/postgres/driver.js'],
  'src/drivers/postgres/driver.ts': ['../../core/plain.js', 'pg'],
  'src/drivers/postgres/pools.ts': ['../../pool/pool.js'],
  'src/drivers/mysql/driver.ts': ['mysql2'],
  'src/drivers/mysql/foreign.ts': ['../postgres/driver.js'],
  'src/drivers/mariadb/driver.ts': ['../mysql/driver.js'],
  'src/drivers/mariadb/foreign.ts': ['../postgres/driver.js'],
  'src/drivers/pglite/driver.ts': ['../postgres/driver.js'],
  'src/database/assemble.ts': ['../drivers/postgres/driver.js', '../router/router.js', '../config/url.js'],
  'src/database/upward.ts': ['../facade/database.js'],
  'src/database/borrowed.ts': ['pg'],
  'src/health/checker.ts': ['../database/assemble.js'],
  'src/health/sideways.ts': ['../metrics/metrics.js'],
  'src/metrics/metrics.ts': ['prom-client'],
  'src/facade/database.ts': ['../database/assemble.js', '../health/checker.js'],
  'src/facade/entry.ts': ['../index.js'],
  'src/facade/spawns.ts': ['node:child_process'],
  'src/testing/servers.ts': ['node:child_process', '../facade/database.js'],
  'src/testing/admin.ts': ['pg'],
  'src/testing/borrowed.ts': ['pg'],
  'src/cli/main.ts': ['cac', '../testing/servers.js'],
  'src/http/handlers.ts': ['../cli/main.js'],
  'src/index.ts': ['./facade/database.js'],
  'src/sql/round.ts': ['./trip.js'],
  'src/sql/trip.ts': ['type:./round.js'],
  'src/sql/lost.ts': ['./nowhere.js'],
  'src/sql/tested.ts': ['../../test/support.js'],
  'src/sql/dev.ts': ['fast-check'],
  'test/support.ts': [],
}

const EXPECTED = [
  'an-engine-stands-alone: src/drivers/mysql/foreign.ts -> src/drivers/postgres/driver.ts',
  'an-engine-stands-alone: src/drivers/postgres/pools.ts -> src/pool/pool.ts',
  'child-processes-have-two-owners: src/facade/spawns.ts -> child_process',
  'config-sees-neighbours: src/config/wires.ts -> src/drivers/postgres/driver.ts',
  'core-imports-nothing: src/core/greedy.ts -> src/pool/pool.ts',
  'core-imports-nothing: src/core/greedy.ts -> zod',
  'drivers-sees-neighbours: src/drivers/postgres/pools.ts -> src/pool/pool.ts',
  'floor-0-looks-up: src/core/greedy.ts -> src/pool/pool.ts',
  'floor-2-looks-up: src/database/upward.ts -> src/facade/database.ts',
  'health-sees-neighbours: src/health/sideways.ts -> src/metrics/metrics.ts',
  'http-sees-neighbours: src/http/handlers.ts -> src/cli/main.ts',
  'mariadb-builds-on-mysql-only: src/drivers/mariadb/foreign.ts -> src/drivers/postgres/driver.ts',
  'no-cycles: src/sql/round.ts -> src/sql/trip.ts',
  'pg-has-one-owner: src/database/borrowed.ts -> pg',
  'pg-has-one-owner: src/testing/borrowed.ts -> pg',
  'pool-sees-neighbours: src/pool/sideways.ts -> src/sql/lexer.ts',
  'resolvable: src/sql/lost.ts -> ./nowhere.js',
  'router-sees-neighbours: src/router/sideways.ts -> src/cache/cache.ts',
  'shipped-code-needs-declared-packages: src/sql/dev.ts -> fast-check',
  'src-stands-alone: src/sql/tested.ts -> test/support.ts',
  'the-entry-is-the-way-in: src/facade/entry.ts -> src/index.ts',
  'zod-has-one-owner: src/core/greedy.ts -> zod',
]

interface Report { summary: { violations: { from: string, to: string, rule: { name: string } }[] } }

/** `node_modules/@types/pg/index.d.ts` -> `pg`; other targets as they are. */
const name = (target: string): string => /node_modules\/(?:@types\/)?((?:@[^/]+\/)?[^/]+)/.exec(target)?.[1] ?? target

let folder = ''
let violations: string[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-floors-'))
  for (const [file, imports] of Object.entries(TREE)) {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    const lines = imports.map((target, index) => target.startsWith('type:')
      ? `import type { A as A${index} } from '${target.slice(5)}'`
      : `import * as a${index} from '${target}'; export const b${index} = a${index}`)
    writeFileSync(path, `${lines.join('\n')}\nexport type A = number\n`)
  }
  const root = resolve('.')
  const options: ExecFileSyncOptionsWithStringEncoding = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 }
  for (const file of ['tsconfig.json', '.dependency-cruiser.cjs', 'package.json', 'node_modules']) execFileSync('ln', ['-s', join(root, file), join(folder, file)])
  const depcruise = join(root, 'node_modules/.bin/depcruise')
  const output = execFileSync(depcruise, ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', '--preserve-symlinks', 'src'], options)
  const report = JSON.parse(output) as Report
  violations = report.summary.violations.map((found) => `${found.rule.name}: ${found.from} -> ${name(found.to)}`).sort()
}, 240_000)

afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

describe('the floors', () => {
  it('are checked: each forbidden import of the sample tree is reported, and nothing else', () => {
    expect(violations).toEqual(EXPECTED)
  })
})
