import { ConfigError } from '../core/errors.js'
import type { DatabaseFacts, DumpSelection, DumpTools, DumpedTable, TableName } from '../core/dump.js'
import { statement } from '../core/statement.js'
import type { BackupParts } from './parts.js'
import type { Session } from './session.js'

/** Larger tables are counted, not hashed. */
const HASHED_BYTES = 256 * 1024 * 1024

/** What goes into a backup. Names are `table` or `schema.table`; `*` stands for any letters. */
export interface SelectionOptions {
  readonly schemaOnly?: boolean | undefined
  readonly dataOnly?: boolean | undefined
  readonly tables?: readonly string[] | undefined
  readonly excludeTables?: readonly string[] | undefined
}

/** The database as it is in one snapshot, which the session holds open. */
export interface Snapshot {
  /** Name to give to the dump program; undefined where it takes a snapshot of its own. */
  readonly name: string | undefined
  readonly facts: DatabaseFacts
  readonly selection: DumpSelection
  /** Tables whose rows are dumped. */
  readonly tables: readonly (TableName & { readonly bytes: number })[]
  readonly sequences: Readonly<Record<string, string>> | undefined
  /** Version of each service's migrations, where the database has their history. */
  readonly migration: Readonly<Record<string, string>> | undefined
}

/** Opens a snapshot in the session and looks at the database in it. */
export async function openSnapshot(parts: BackupParts, session: Session, options: SelectionOptions): Promise<Snapshot> {
  const { snapshot } = parts.tools
  for (const statement of snapshot.open) await session.run(statement)
  const name = snapshot.exported && await session.ask(snapshot.exported)
  const facts = await session.ask(snapshot.facts)
  const all = await session.ask(snapshot.tables)
  const selection = select(all, options)
  const dumped = all.filter((table) => !selection.schemaOnly && (selection.tables?.includes(table) ?? true) && !selection.excludeTables.includes(table))
  const sequences = snapshot.sequences && selection.tables === undefined && !selection.schemaOnly ? await session.ask(snapshot.sequences) : undefined
  return { name, facts, selection, tables: dumped, sequences, migration: await migrationVersions(parts, session, all) }
}

/** Read in the snapshot, so that it is the version of what is dumped. */
async function migrationVersions({ where, migrationsSchema }: BackupParts, session: Session, all: readonly TableName[]): Promise<Snapshot['migration']> {
  const history = all.find(({ schema, name }) => schema === migrationsSchema && name === 'migration')
  if (!history) return undefined
  const table = [history.schema, history.name].map((part) => where.driver.dialect.quoteIdentifier(part)).join('.')
  const rows = await session.run(statement(`select service, max(version) as version from ${table} where state = 'applied' and kind in ('V', 'B') group by service`))
  return Object.fromEntries(rows.map((row) => [String(row['service']), String(row['version'])]))
}

function select(all: readonly TableName[], options: SelectionOptions): DumpSelection {
  if (options.schemaOnly && options.dataOnly) throw new ConfigError('backup: schemaOnly and dataOnly exclude each other', { option: 'schemaOnly' })
  return {
    schemaOnly: options.schemaOnly === true, dataOnly: options.dataOnly === true,
    tables: options.tables && matching(all, options.tables, 'tables'),
    excludeTables: matching(all, options.excludeTables ?? [], 'excludeTables'),
  }
}

function matching(all: readonly TableName[], wanted: readonly string[], option: string): TableName[] {
  const patterns = wanted.map((text) => ({ text, pattern: new RegExp(`^${text.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')).join('.*')}$`) }))
  for (const { text, pattern } of patterns) {
    if (!all.some((table) => fits(table, pattern))) {
      throw new ConfigError(`backup: ${option} names '${text}', and there is no such table`, { option, hint: 'names are table or schema.table; * stands for any letters' })
    }
  }
  return all.filter((table) => patterns.some(({ pattern }) => fits(table, pattern)))
}

const fits = ({ schema, name }: TableName, pattern: RegExp): boolean => pattern.test(name) || pattern.test(`${schema}.${name}`)

/** Counts and hashes tables in the session's snapshot. */
export async function countTables(
  tools: DumpTools, session: Session, tables: readonly (TableName & { readonly bytes?: number })[], hashed?: (table: TableName) => boolean,
): Promise<DumpedTable[]> {
  const counted: DumpedTable[] = []
  for (const table of tables) {
    const withHash = hashed?.(table) ?? (table.bytes ?? 0) <= HASHED_BYTES
    const { rows, hash } = await session.ask(tools.snapshot.count(table, withHash))
    counted.push({ schema: table.schema, name: table.name, rows, hash })
  }
  return counted
}
