import { ConfigError, QueryError } from '../core/errors.js'
import { sql } from '../sql/tag.js'
import { checkEmpty } from './baseline.js'
import { MigrationError } from './errors.js'
import { adoption } from './force.js'
import type { HistoryState } from './history.js'
import type { Migration, MigrationSet } from './migration.js'
import type { Run, RunOptions } from './run.js'

/** Tools whose history can be taken over. */
export type ForeignTool = 'golang-migrate' | 'dbmate' | 'flyway' | 'knex' | 'node-pg-migrate' | 'prisma' | 'umzug'

/** Options of `import`. */
export interface ImportOptions extends RunOptions {
  readonly from: ForeignTool
  /** Where that tool keeps its history, when it is not its default. */
  readonly table?: string | undefined
  readonly service?: string | undefined
}

/** What was taken over. */
export interface ImportResult {
  readonly adopted: readonly { readonly service: string; readonly version: number; readonly name: string }[]
}

interface Tool {
  readonly table: string
  /** The one column that tells versions or names, as a condition of what counts. */
  readonly column: string
  readonly where?: string
  /** Says whether the tool itself does not know where it stands. */
  readonly dirty?: string
  /** One row says: everything up to this version. */
  readonly height?: true
}

const TOOLS: Readonly<Record<ForeignTool, Tool>> = {
  'golang-migrate': { table: 'schema_migrations', column: 'version', dirty: 'dirty', height: true },
  'dbmate': { table: 'schema_migrations', column: 'version' },
  'flyway': { table: 'flyway_schema_history', column: 'version', where: 'version is not null', dirty: 'not success' },
  'knex': { table: 'knex_migrations', column: 'name' },
  'node-pg-migrate': { table: 'pgmigrations', column: 'name' },
  'prisma': { table: '_prisma_migrations', column: 'migration_name', where: 'rolled_back_at is null', dirty: 'finished_at is null' },
  'umzug': { table: 'SequelizeMeta', column: 'name' },
}

/** @throws ConfigError there is no such tool */
export function checkTool(from: ForeignTool): void {
  if (!Object.hasOwn(TOOLS, from)) throw new ConfigError(`migrations.import: from: there is no tool '${from}'`, { hint: `known: ${Object.keys(TOOLS).join(', ')}` })
}

/**
 * Takes over the history another tool has kept: its migrations count as applied here, with the files' checksums of today.
 * Its own table stays as it is.
 *
 * @throws MigrationError `dirty`: that tool does not know itself where the database stands; `missing`: its table is not
 * there, or it has applied what is no file here; `drift`: our own history is not empty
 */
export async function adopt(run: Run, set: MigrationSet, state: HistoryState, service: string, { from, table }: ImportOptions): Promise<ImportResult> {
  checkEmpty(state.rows, service, 'import')
  const tool = { ...TOOLS[from], ...table === undefined ? {} : { table } }
  const own = set.migrations.filter((migration) => migration.service === service && migration.kind === 'V')
  const found = await read(run, from, tool)
  const applied = tool.height ? upTo(own, found[0], from, service) : matched(own, found, from, service)
  const { history } = run
  const last = applied.at(-1)
  await history.together([
    ...applied.map((migration) => adoption(history, migration)),
    history.log({ action: 'import', service, version: last?.version, detail: `${String(applied.length)} from ${from} (${tool.table})` }),
  ])
  return { adopted: applied.map(({ version, name }) => ({ service, version, name })) }
}

/** What that tool says is applied, as versions or names. */
async function read(run: Run, from: ForeignTool, { table, column, where, dirty }: Tool): Promise<string[]> {
  const { history } = run
  const name = sql.raw(table.split('.').map((part) => history.sql.dialect.quoteIdentifier(part)).join('.'))
  const doubt = dirty === undefined ? '0' : `case when ${dirty} then 1 else 0 end`
  try {
    const rows = await history.run(sql`select ${sql.raw(column)} as applied, ${sql.raw(doubt)} as in_doubt from ${name} where ${sql.raw(where ?? '1 = 1')}`)
    const inDoubt = rows.find((row) => Number(row['in_doubt']) === 1)
    if (inDoubt) {
      throw new MigrationError('dirty', `${from} says that ${String(inDoubt['applied'])} is dirty; nothing was changed`, { hint: `clear that up with ${from} first, then import` })
    }
    return rows.map((row) => String(row['applied']))
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw new MigrationError('missing', `the history of ${from} cannot be read from ${table}: ${error.message}; nothing was changed`, { cause: error, hint: 'name its table: { from, table }' })
  }
}

/** Digits at the beginning, after Flyway's V where there is one. */
function versionIn(name: string): number | undefined {
  const digits = /^V?([0-9]+)/i.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function upTo(own: readonly Migration[], height: string | undefined, from: ForeignTool, service: string): Migration[] {
  if (height === undefined) return []
  matched(own, [height], from, service)
  return own.filter(({ version }) => version <= Number(height))
}

function matched(own: readonly Migration[], found: readonly string[], from: ForeignTool, service: string): Migration[] {
  const versions = new Map(own.map((migration) => [migration.version, migration]))
  const strangers = found.filter((name) => !versions.has(versionIn(name) ?? -1))
  if (strangers.length > 0) {
    throw new MigrationError('missing', `${from} has applied what is no file of ${service}: ${strangers.join(', ')}; nothing was changed`, {
      service, hint: 'put the files there under the same versions, then import',
    })
  }
  const applied = new Set(found.map((name) => versionIn(name)))
  return own.filter(({ version }) => applied.has(version))
}
