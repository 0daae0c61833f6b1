import { rootCertificates } from 'node:tls'
import { limitsFrom } from '../../core/deadline.js'
import { ConfigError } from '../../core/errors.js'
import type { CatalogObject } from '../../core/migration-facts.js'
import { environment } from '../../config/env.js'
import type { DatabaseCore } from '../../database/core.js'
import { serverOf } from '../../backup/parts.js'
import { inPrivateFolder, writePrivate } from '../../backup/private-folder.js'
import { runProgram } from '../../backup/process.js'
import { findTool } from '../../backup/tools.js'
import { applyAll } from '../apply.js'
import { MigrationError } from '../errors.js'
import { judge } from '../judge.js'
import { loadMigrations } from '../load.js'
import type { MigrationSet } from '../migration.js'
import { withLock, withSession, type RunParts } from '../run.js'
import { tasksUp } from '../tasks.js'
import { BASELINE } from '../squashed.js'
import { placeFiles, type SquashedFiles } from './files.js'
import { beyondDump, scriptOf } from './script.js'
import { withScratch, type Scratch, type ScratchPlace } from './scratch.js'

/** How to squash. */
export interface SquashOptions {
  /** Needed where there are several. */
  readonly service?: string | undefined
  /** Rows that migrations have inserted: `refuse` (default) when there are any, `include` them, or `leave` them out. */
  readonly data?: 'refuse' | 'include' | 'leave' | undefined
  /** Folder for the files that were squashed; default: `squashed` inside theirs. */
  readonly archive?: string | undefined
  /** Only builds and compares; writes nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What came of it. */
export interface SquashResult extends SquashedFiles {
  /** The baseline's text. */
  readonly sql: string
  /** Migrations it stands for. */
  readonly squashed: number
}

/** What squashing is about. */
export interface SquashWork {
  readonly db: DatabaseCore
  readonly parts: RunParts
  readonly set: MigrationSet
  readonly service: string
  readonly to: number
  readonly options: SquashOptions
}

const CATALOG_MS = 60_000

/**
 * Writes one file in place of a service's first migrations. It is the engine's own dump of a scratch database on which they
 * were applied, and is kept only when another scratch database, made from it alone, has the same catalog.
 */
export async function squash(work: SquashWork): Promise<SquashResult> {
  const { set, service, to, parts: { config: { sources } }, options: { signal, dryRun = false, archive } } = work
  const chosen = chosenOf(work)
  const place = await placeOf(work)
  refuseBeyond(work, chosen, place)
  const wanted = await withScratch(place, signal, async (scratch) => {
    await applyOn(scratch, chosen, signal)
    const catalog = await catalogOf(scratch)
    return { catalog, sql: await dumpOf(work, place, scratch) }
  })
  const sql = `-- sluice:baseline\n-- sluice:irreversible\n-- What the migrations up to version ${String(to)} of ${service} have made; new databases begin with it.\n\n${wanted.sql}`
  await withScratch(place, signal, async (scratch) => {
    await applyOn(scratch, await baselineSet(work, sql), signal)
    refuseDifference(wanted.catalog, await catalogOf(scratch), service)
  })
  const files = dryRun ? { baseline: undefined, archived: [] } : await placeFiles({ set, chosen, sources, service, to, archive, sql })
  return { ...files, sql, squashed: chosen.migrations.length }
}

/** The migrations of that service up to that version, and no others: it is built by itself. */
function chosenOf({ set, service, to }: SquashWork): MigrationSet {
  const migrations = set.migrations.filter((migration) => migration.service === service && migration.kind === 'V' && migration.version <= to)
  if (migrations.at(-1)?.version !== to) {
    const versions = set.migrations.filter((migration) => migration.service === service && migration.kind === 'V').map(({ version }) => version)
    const hint = `versions: ${versions.join(', ') || 'none'}`
    throw new MigrationError('missing', `there is no version ${String(to)} of ${service}; nothing was changed`, { service, version: to, hint })
  }
  if (migrations.at(-1)?.name === BASELINE && migrations.length > 1) {
    throw new MigrationError('missing', `version ${String(to)} of ${service} is named ${BASELINE} already; nothing was changed`, { service, version: to, hint: 'squash up to another version' })
  }
  if (migrations.length < 2) throw new MigrationError('missing', `${service} has one file up to version ${String(to)}: there is nothing to squash`, { service, version: to })
  return { services: [service], migrations }
}

/** What was done to owners, roles and the server is in no dump of a database: it would be lost in silence. */
function refuseBeyond({ parts: { texts } }: SquashWork, { migrations }: MigrationSet, { tools: { schemaScript } }: ScratchPlace): void {
  for (const { up } of migrations) {
    const [line] = up.kind === 'sql' && schemaScript ? beyondDump(up.text, schemaScript, texts.dialect.lexicon) : []
    if (line === undefined) continue
    throw new ConfigError(`migrations.squash: ${up.path}:${String(line)} changes an owner, a role or the server, which no dump of a schema holds; nothing was changed`, {
      option: 'migrations', hint: 'squash up to the version before it, or move that statement into a later migration of its own',
    })
  }
}

async function placeOf({ db, parts }: SquashWork): Promise<ScratchPlace> {
  const { driver } = parts.assembly
  const tools = await driver.dump?.()
  if (!tools?.schemaScript) {
    throw new ConfigError(`migrations.squash: ${driver.dialect.engine} has no dump of a schema that could stand for its migrations; nothing was changed`, { option: 'migrations' })
  }
  return { call: 'squash', parts, tools, where: serverOf(db) }
}

async function applyOn({ parts }: Scratch, set: MigrationSet, signal: AbortSignal | undefined): Promise<void> {
  await withLock(parts, { signal }, async (run) => { await applyAll(run, tasksUp(judge(parts, set)), 'up') })
}

function baselineSet({ parts, service, to }: SquashWork, sql: string): Promise<MigrationSet> {
  const { dialect, facts } = parts.texts
  return loadMigrations([{ service, files: { [`${String(to)}_baseline.up.sql`]: sql } }], { lexicon: dialect.lexicon, alone: facts.alone })
}

function catalogOf({ parts }: Scratch): Promise<readonly CatalogObject[]> {
  return withSession(parts, (history, session) => session.ask(history.sql.facts.catalog(history.sql.schema), limitsFrom(CATALOG_MS)))
}

async function dumpOf(work: SquashWork, { tools, where }: ScratchPlace, scratch: Scratch): Promise<string> {
  const { parts: { assembly, texts }, options: { data = 'refuse', signal } } = work
  const { schemaScript } = tools
  const filled = await filledTables(scratch, tools)
  if (filled.length > 0 && data === 'refuse') {
    throw new ConfigError(`migrations.squash: migrations have put rows into ${filled.join(', ')}, which a schema does not hold; nothing was changed`, {
      option: 'data', hint: "say data: 'include' to keep them in the baseline, or 'leave' to leave them out",
    })
  }
  if (!schemaScript) return ''
  const versionNumber = await withSession(scratch.parts, async (_, session) => session.versionNumber)
  const tool = await findTool({ tools, folder: assembly.options.backup?.toolsDir, path: environment()['PATH'] }, 'dump', versionNumber)
  const { password } = where.target
  return inPrivateFolder(async (folder) => {
    const login = tools.login({
      target: where.target, address: undefined, database: scratch.database, folder, trusted: rootCertificates.join('\n'),
      password: typeof password === 'function' ? await password() : password,
    })
    await writePrivate(folder, login.files)
    const args = tools.dump({
      format: 'plain', compression: false, jobs: 1, folder: undefined, snapshot: undefined, database: scratch.database, toolVersion: tool.version,
      selection: { schemaOnly: data !== 'include', dataOnly: false, tables: undefined, excludeTables: HISTORY.map((name) => ({ schema: texts.schema, name })) },
    })
    const text = await runProgram({ file: tool.file, args: [...login.args, ...args, ...schemaScript.args], env: login.env }, signal ? { signal } : {})
    if (!tools.trailer.test(text)) throw new MigrationError('failed', `${tool.file} ended without the last line of a complete dump; nothing was changed`)
    return scriptOf(text, schemaScript, texts.dialect.lexicon).replace(historySchema(texts.dialect.quoteIdentifier(texts.schema), texts.schema), '')
  })
}

/** Tables and the view of the history. */
const HISTORY = ['migration', 'migration_stmt', 'migration_log', 'migration_snapshot', 'schema_migrations']

/** The history makes its schema itself. */
function historySchema(quoted: string, plain: string): RegExp {
  const escaped = [quoted, plain].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  return new RegExp(`^create schema (?:${escaped});\\n\\n?`, 'im')
}

async function filledTables({ parts }: Scratch, { snapshot }: ScratchPlace['tools']): Promise<string[]> {
  return withSession(parts, async (history, session) => {
    const tables = (await session.ask(snapshot.tables)).filter(({ schema }) => schema !== history.sql.schema)
    const filled: string[] = []
    for (const table of tables) if ((await session.ask(snapshot.count(table, false))).rows > 0) filled.push(`${table.schema}.${table.name}`)
    return filled
  })
}

function refuseDifference(wanted: readonly CatalogObject[], found: readonly CatalogObject[], service: string): void {
  const text = ({ name, definition }: CatalogObject): string => JSON.stringify([name, definition])
  const [before, after] = [new Set(wanted.map(text)), new Set(found.map(text))]
  const names = [...wanted.filter((one) => !after.has(text(one))), ...found.filter((one) => !before.has(text(one)))].map(({ name }) => name)
  const different = [...new Set(names)]
  if (different.length === 0) return
  throw new MigrationError('drift', `the baseline of ${service} makes another catalog than its migrations: ${different.slice(0, 5).join(', ')}${
    different.length > 5 ? ` and ${String(different.length - 5)} more` : ''}; nothing was changed`, { service, hint: 'squash up to an earlier version, or write what differs into a migration of its own' })
}
