import { nearest } from '../../config/suggest.js'
import type { Dialect } from '../../core/dialect.js'
import type { LintLevel, LintRule } from '../../core/lint-facts.js'
import type { TableFacts } from '../../core/migration-facts.js'
import { EMPTY_RULE } from '../assess.js'
import type { Migration, SqlScript } from '../migration.js'
import { lineOf } from '../transaction-control.js'
import type { LintFinding, LintResult } from './result.js'
import { statementsOf, tableKey, type PlacedStatement } from './statements.js'

/** Up to here a table is read or written anew before anybody notices. */
const SMALL_ROWS = 10_000
const SMALL_BYTES = 10 * 1_024 * 1_024

/** What a server says; undefined without one. */
export interface LintServer {
  readonly version: number
  readonly tables: readonly TableFacts[]
}

type Allowed = LintResult['allowed'][number]

/** Looks through the ways up of these migrations. Pure. */
export function lintMigrations(migrations: readonly Migration[], dialect: Dialect, rules: readonly LintRule[], server: LintServer | undefined): LintResult {
  const findings: LintFinding[] = []
  const allowed: Allowed[] = []
  let files = 0
  for (const migration of migrations) {
    const { up } = migration
    if (up.kind !== 'sql') continue
    files++
    const found = new File(migration, up, dialect, server).lint(rules)
    for (const finding of found) {
      const reason = up.directives.nolint.get(finding.rule)
      if (reason === undefined) findings.push(finding)
      else allowed.push({ ...finding, reason })
    }
    findings.push(...unused(migration, up, rules, found))
  }
  return { findings, allowed, files }
}

/** One file under the linter. */
class File {
  readonly #migration: Migration
  readonly #script: SqlScript
  readonly #dialect: Dialect
  readonly #server: LintServer | undefined
  readonly #sizes: ReadonlyMap<string, TableFacts>

  constructor(migration: Migration, script: SqlScript, dialect: Dialect, server: LintServer | undefined) {
    this.#migration = migration
    this.#script = script
    this.#dialect = dialect
    this.#server = server
    this.#sizes = new Map(server?.tables.map((table) => [tableKey(table.name), table]))
  }

  lint(rules: readonly LintRule[]): LintFinding[] {
    if (this.#script.empty) return [this.#empty()]
    const statements = statementsOf(this.#script.text, this.#dialect.lexicon)
    const made = new Set<string>()
    const alone = this.#script.directives.noTransaction || !this.#dialect.features.transactionalDdl
    return statements.flatMap((statement, index) => {
      const isNew = statement.table !== undefined && made.has(tableKey(statement.table))
      const scene = { alone, version: this.#server?.version, earlier: statements.slice(0, index) }
      const found = rules.filter((rule) => !(isNew && rule.about !== 'anything') && rule.finds(statement, scene)).map((rule) => this.#finding(rule, statement))
      if (statement.table !== undefined && /^create .*table /.test(statement.words)) made.add(tableKey(statement.table))
      return found
    })
  }

  #empty(): LintFinding {
    return {
      ...placeOf(this.#migration, this.#script, 0), rule: EMPTY_RULE, level: 'error', table: undefined, rows: undefined,
      problem: 'the file holds no statement: up refuses it', remedy: 'write it, or say why it is meant to be empty',
    }
  }

  #finding({ name, level, about, problem, remedy }: LintRule, { table, start }: PlacedStatement): LintFinding {
    const size = table === undefined ? undefined : this.#sizes.get(tableKey(table))
    const [weight, known] = about === 'size' && table !== undefined ? this.#weight(level, size) : [level, '']
    return { ...placeOf(this.#migration, this.#script, start), rule: name, level: weight, table, rows: size?.rows, problem: `${problem}${known}`, remedy }
  }

  /** What takes as long as the table is large is advice while it is small. */
  #weight(level: LintLevel, size: TableFacts | undefined): readonly [LintLevel, string] {
    if (!this.#server) return [level, '']
    if (!size) return ['warning', ' (there is no such table here yet)']
    const small = size.rows <= SMALL_ROWS && size.bytes <= SMALL_BYTES
    return [small ? 'warning' : level, ` (it has about ${String(Math.round(size.rows))} rows here)`]
  }
}

/** Where a finding is. */
function placeOf({ service, version, name }: Migration, { path, text }: SqlScript, start: number): Pick<LintFinding, 'service' | 'version' | 'name' | 'path' | 'line'> {
  return { service, version, name, path, line: lineOf(text, start) }
}

/** A rule that is switched off and finds nothing is a leftover, or its name is wrong. */
function unused(migration: Migration, script: SqlScript, rules: readonly LintRule[], found: readonly LintFinding[]): LintFinding[] {
  const names = [EMPTY_RULE, ...rules.map(({ name }) => name)]
  return Array.from(script.directives.nolint.keys()).filter((name) => !found.some(({ rule }) => rule === name)).map((name) => {
    const near = names.includes(name) ? undefined : nearest(name, names)
    const problem = names.includes(name) ? `nolint ${name}: it finds nothing in this file` : `nolint ${name}: there is no such rule`
    return {
      ...placeOf(migration, script, 0), rule: 'unused-ignore', level: 'warning', table: undefined, rows: undefined, problem,
      remedy: near === undefined ? 'take the line out' : `did you mean '${near}'?`,
    }
  })
}
