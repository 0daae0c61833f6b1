import { describe, expect, it } from 'vitest'
import { mysqlDialect } from '../../../src/drivers/mysql/dialect.js'
import { mysqlLint } from '../../../src/drivers/mysql/lint.js'
import { postgresDialect } from '../../../src/drivers/postgres/dialect.js'
import { postgresLint } from '../../../src/drivers/postgres/lint.js'
import { lintMigrations, type LintServer } from '../../../src/migrations/lint/lint.js'
import type { LintResult } from '../../../src/migrations/lint/result.js'
import { loadMigrations } from '../../../src/migrations/load.js'
import { KNOWN_DIFFERENCES, SQUAWK_VERDICTS } from './lint-corpus.js'

const ENGINES = { postgres: { dialect: postgresDialect, rules: postgresLint }, mysql: { dialect: mysqlDialect, rules: mysqlLint } }

async function lint(sql: string, engine: keyof typeof ENGINES = 'postgres', server?: LintServer): Promise<LintResult> {
  const { dialect, rules } = ENGINES[engine]
  // whether a statement may stand in a transaction is the loader's to say, and it does: here it is to be looked at
  const { migrations } = await loadMigrations([{ service: 'default', files: { '1_a.up.sql': sql } }], { lexicon: dialect.lexicon, alone: undefined })
  return lintMigrations(migrations, dialect, rules, server)
}

const rulesOf = ({ findings }: LintResult): string[] => Array.from(new Set(findings.map(({ rule }) => rule))).sort()
const found = async (sql: string, engine?: keyof typeof ENGINES, server?: LintServer): Promise<string[]> => rulesOf(await lint(sql, engine, server))

/** What strong_migrations knows, and squawk does not or does not find. */
const OWN = new Set(['add-column-json', 'prefer-repack', 'empty-migration'])

describe('M28: the same verdict as squawk on the rules they share', () => {
  it.each(SQUAWK_VERDICTS)('$sql', async ({ sql, rules }) => {
    const known = KNOWN_DIFFERENCES.filter((difference) => difference.sql.test(sql))
    const wanted = [...rules.filter((rule) => !known.some(({ less }) => less?.includes(rule))), ...known.flatMap(({ more }) => more ?? [])].sort()
    expect((await found(sql)).filter((rule) => !OWN.has(rule))).toEqual(wanted)
  })

  it('every rule is met at least once', async () => {
    const met = new Set<string>()
    for (const { sql } of SQUAWK_VERDICTS) for (const rule of await found(sql)) met.add(rule)
    expect(postgresLint.map(({ name }) => name).filter((name) => !met.has(name))).toEqual([])
  })
})

describe('M28: nolint', () => {
  it('needs a reason', async () => {
    await expect(lint('-- sluice:nolint ban-drop-table\ndrop table t')).rejects.toThrow('needs a rule and a reason')
  })

  it('allows one rule in one file, and says why', async () => {
    const result = await lint('-- sluice:nolint ban-drop-table reason=nobody reads it since June\ndrop table t;\ntruncate u cascade')
    expect(rulesOf(result)).toEqual(['ban-truncate-cascade'])
    expect(result.allowed).toMatchObject([{ rule: 'ban-drop-table', reason: 'nobody reads it since June', line: 2, table: 't' }])
  })

  it('that allows nothing is told of', async () => {
    expect((await lint('-- sluice:nolint ban-drop-table reason=x\nselect 1')).findings).toMatchObject([{ rule: 'unused-ignore', level: 'warning', problem: expect.stringContaining('finds nothing') as string }])
    expect((await lint('-- sluice:nolint ban-drop-tabel reason=x\ndrop table t')).findings).toMatchObject([{ rule: 'ban-drop-table' }, { rule: 'unused-ignore', remedy: "did you mean 'ban-drop-table'?" }])
  })
})

describe('what a server says', () => {
  const server = (version: number, rows = 5_000_000): LintServer => ({ version, tables: [{ name: 't', rows, bytes: rows * 100 }] })

  it('counts: the version', async () => {
    const old = 'alter table t add column c boolean default false'
    expect(await found(old, 'postgres', server(100_000))).toEqual(['adding-field-with-default'])
    expect(await found(old, 'postgres', server(160_000))).toEqual([])
    expect(await found('reindex index i', 'postgres', server(110_000))).toEqual([])
    expect(await found('reindex index i', 'postgres', server(120_000))).toEqual(['require-concurrent-reindex'])
    expect(await found('alter table t add column c int default 3', 'mysql', server(50_700))).toEqual(['adding-field-with-default'])
    expect(await found('alter table t add column c int default 3', 'mysql', server(80_030))).toEqual([])
  })

  it('counts: the size, for what takes as long as the table is large', async () => {
    const sql = 'create index i on public.t (a)'
    expect((await lint(sql, 'postgres', server(160_000))).findings).toMatchObject([{ level: 'error', rows: 5_000_000, problem: expect.stringContaining('about 5000000 rows') as string }])
    expect((await lint(sql, 'postgres', server(160_000, 12))).findings).toMatchObject([{ level: 'warning', rows: 12 }])
    expect((await lint('create index i on other (a)', 'postgres', server(160_000))).findings).toMatchObject([{ level: 'warning', rows: undefined, problem: expect.stringContaining('no such table here yet') as string }])
    expect((await lint('drop table t', 'postgres', server(160_000, 12))).findings).toMatchObject([{ level: 'error' }])
  })
})

describe('MySQL', () => {
  it.each([
    ['alter table t drop column c', ['ban-drop-column']],
    ['alter table t drop c', ['ban-drop-column']],
    ['alter table t drop index i', []],
    ['alter table t drop foreign key k', []],
    ['drop table if exists t', ['ban-drop-table']],
    ['drop database d', ['ban-drop-database']],
    ['alter table t modify c bigint', ['changing-column-type']],
    ['alter table t change a b int', ['renaming-column']],
    ['alter table t rename column a to b', ['renaming-column']],
    ['alter table t rename index a to b', []],
    ['alter table t rename to u', ['renaming-table']],
    ['rename table t to u', ['renaming-table']],
    ['alter table t add constraint k foreign key (a) references u (id)', ['adding-foreign-key-constraint']],
    ['alter table t add check (a > 0)', ['add-check-constraint']],
    ['alter table t add check (a > 0) not enforced', []],
    ['alter table t add index i (a)', []],
    ['create index i on t (a)', []],
    ['create fulltext index i on t (a)', ['require-concurrent-index-creation']],
    ['alter table t add fulltext index i (a)', ['require-concurrent-index-creation']],
    ['alter table t add column c int, algorithm=copy', ['require-online-algorithm']],
    ['alter table t add column c int, algorithm=instant', []],
    ['alter table t add column id bigint auto_increment unique', ['add-column-auto-increment']],
    ['alter table t add column c varchar(36) default (uuid())', ['adding-field-with-default']],
    ['alter table t add column c int default 3', []],
    ['alter table t convert to character set utf8mb4', ['converting-character-set']],
    ['alter table t engine=InnoDB', ['changing-engine']],
    ['alter table t drop primary key, add primary key (a)', ['adding-serial-primary-key-field']],
    ['create table t (id int auto_increment primary key)', ['prefer-bigint-over-int']],
    ['create table t (id bigint primary key); alter table t add check (id > 0), drop column x', []],
    ['alter table `t` drop column `drop`', ['ban-drop-column']],
    ["insert into t values ('drop table t; alter table t drop c')", []],
    ['/*! alter table t drop column c */', ['ban-drop-column']],
  ])('%s', async (sql, wanted) => {
    expect(await found(sql, 'mysql')).toEqual(wanted)
  })
})
