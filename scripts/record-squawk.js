// Records what squawk says of the statements in test/unit/migrations/squawk-verdicts.json, for the linter's tests. After adding statements there
// (with empty `rules`): node scripts/record-squawk.js path/to/squawk   (from `npm install squawk-cli@2.66.0` in some other folder)
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RECORD = 'test/unit/migrations/squawk-verdicts.json'
/** With these, statements stand for themselves: the migration's runner has a transaction and sets limits. */
const OPTIONS = ['--assume-in-transaction', '--exclude', 'require-timeout-settings', '--exclude', 'prefer-robust-stmts', '--pg-version', '16', '--reporter', 'json']

const folder = mkdtempSync(join(tmpdir(), 'sluice-squawk-'))
const recorded = JSON.parse(readFileSync(RECORD, 'utf8'))
const paths = recorded.map(({ sql }, index) => {
  const path = join(folder, `${index}.sql`)
  writeFileSync(path, sql)
  return path
})
const [,, squawk] = process.argv
if (squawk === undefined) throw new Error('usage: node scripts/record-squawk.js path/to/squawk')
const { stdout, error } = spawnSync(squawk, [...OPTIONS, ...paths], { encoding: 'utf8', maxBuffer: 1e8 })
if (error) throw error
const findings = JSON.parse(stdout)
rmSync(folder, { recursive: true })
const verdicts = recorded.map(({ sql }, index) => {
  const rules = findings.filter(({ file }) => file === paths[index]).map((finding) => finding.rule_name)
  return { sql, rules: [...new Set(rules)].sort() }
})
writeFileSync(RECORD, `[\n${verdicts.map((verdict) => `  ${JSON.stringify(verdict)}`).join(',\n')}\n]\n`)
