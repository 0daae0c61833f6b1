// Migrates in a process of its own, for tests that end that process. Its only argument is JSON:
// { url, options, work: 'autoMigrate' | 'up' | 'down' | 'seed', name, stopAt }. Every event of migrations is a line of JSON on stdout, and
// so is the result. The process kills itself (SIGKILL) at the first event that has all the properties of `stopAt`.
import { autoMigrate, Database, MigrationManager } from '../../dist/index.js'

const { url, options, work = 'autoMigrate', stopAt, name = 'migrator' } = JSON.parse(process.argv[2])
const EXIT = { locked: 2, dirty: 3, drift: 4, outOfOrder: 4, missing: 4 }

const tell = (line) => { process.stdout.write(`${JSON.stringify(line)}\n`) }
const isStop = (event) => stopAt !== undefined
  && Object.entries(stopAt).every(([key, value]) => (key === 'statement' ? event.statement?.number : event[key]) === value)

const db = await Database.open({
  primary: { url, applicationName: name }, pool: { min: 0, acquireTimeoutMs: 60_000 }, connectTimeoutMs: 60_000,
  observers: [{ migration: (event) => {
    const { phase, version, statement, blockers, error } = event
    tell({ phase, version, statement, blockers, error: error?.message })
    if (isStop(event)) process.kill(process.pid, 'SIGKILL')
  } }],
})
try {
  const result = work === 'autoMigrate' ? await autoMigrate(db, options) : await new MigrationManager(db, options)[work]()
  tell({ result })
} catch (error) {
  tell({ failure: { kind: error.kind, code: error.code, message: error.message, hint: error.hint, version: error.version, statement: error.statement } })
  process.exitCode = EXIT[error.kind] ?? 1
}
await db.close({ drainMs: 0 })
