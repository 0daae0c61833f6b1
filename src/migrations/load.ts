import { checksumOf } from './checksum.js'
import { directivesOf } from './directives.js'
import { loadError } from './load-error.js'
import type { CodeScript, Migration, MigrationKind, MigrationSet, Script, SqlScript } from './migration.js'
import { split } from '../sql/split.js'
import { readSource, type MigrationSourceOptions, type SourceFile } from './source.js'
import { checkScript, type ScriptFacts } from './transaction-control.js'

/** golang-migrate's layout, with its own expression for it. */
const VERSIONED = /^([0-9]+)_(.*)\.(down|up)\.sql$/
const CODED = /^([0-9]+)_(.*)\.(?:m?ts|[mc]?js)$/
const REPEATABLE = /^R__(.+)\.sql$/

interface Draft {
  readonly version: number
  readonly name: string
  readonly path: string
  up: Script | undefined
  down: Script | undefined
  checksum: string
}

/**
 * Reads and checks every file, before any server is asked.
 *
 * @throws ConfigError a file that is none of ours, a version twice, a way down without a way up, a directive that is not
 * understood, a script that would leave its transaction
 */
export async function loadMigrations(sources: readonly MigrationSourceOptions[], facts: ScriptFacts): Promise<MigrationSet> {
  const migrations: Migration[] = []
  for (const source of sources) {
    const files = await readSource(source)
    migrations.push(...ofService(source.service, files, facts))
  }
  const set = { services: sources.map(({ service }) => service), migrations: ordered(sources, migrations) }
  checkRequirements(set)
  return set
}

/** All versioned ones in declared order of services and then by version, then all repeatable ones by name. */
function ordered(sources: readonly MigrationSourceOptions[], migrations: readonly Migration[]): Migration[] {
  const place = new Map(sources.map(({ service }, index) => [service, index]))
  const rank = ({ service }: Migration): number => place.get(service) ?? 0
  return migrations.toSorted((a, b) =>
    Number(a.kind === 'R') - Number(b.kind === 'R') || rank(a) - rank(b) || a.version - b.version || (a.name < b.name ? -1 : 1))
}

function ofService(service: string, files: readonly SourceFile[], facts: ScriptFacts): Migration[] {
  const drafts = new Map<number, Draft>()
  const migrations: Migration[] = []
  for (const file of files) {
    const repeatable = REPEATABLE.exec(file.name)
    if (repeatable) migrations.push(made(service, 'R', draftOf(file, 0, repeatable[1] ?? '', sqlScript(file, facts))))
    else addVersioned(drafts, file, facts)
  }
  for (const draft of drafts.values()) migrations.push(made(service, 'V', draft))
  checkBaseline(migrations)
  return migrations
}

function draftOf(file: SourceFile, version: number, name: string, up: Script): Draft {
  return { version, name, path: file.path, up, down: undefined, checksum: checksumOf(file.text) }
}

function addVersioned(drafts: Map<number, Draft>, file: SourceFile, facts: ScriptFacts): void {
  const sql = VERSIONED.exec(file.name)
  const [, digits = '', name = ''] = sql ?? CODED.exec(file.name) ?? []
  if (digits === '') {
    throw loadError(file.path, 'is no migration', 'names are 000001_create_users.up.sql with 000001_create_users.down.sql, 000002_backfill.ts, or R__views.sql')
  }
  const version = versionOf(digits, file.path)
  const draft = drafts.get(version) ?? { version, name, path: file.path, up: undefined, down: undefined, checksum: '' }
  drafts.set(version, draft)
  const directions = sql ? [sql[3] as 'up' | 'down'] : ['up', 'down'] as const
  for (const direction of directions) {
    if (draft[direction] || draft.name !== name) {
      throw loadError(file.path, `version ${String(version)} is also ${draft.path}`, 'give one of the two another version')
    }
    if (direction === 'up') draft.checksum = checksumOf(file.text)
    draft[direction] = sql ? sqlScript(file, facts) : codeScript(file, direction)
  }
}

/** @throws ConfigError it is too great */
export function versionOf(digits: string, path: string): number {
  const version = Number(digits)
  if (Number.isSafeInteger(version)) return version
  throw loadError(path, `the version ${digits} is too great`, `versions go up to ${String(Number.MAX_SAFE_INTEGER)}`)
}

/** @throws ConfigError a directive is not understood, or the script would leave its transaction */
export function sqlScript(file: SourceFile, facts: ScriptFacts): SqlScript {
  const directives = directivesOf(file.text, file.path)
  const text = checkScript(file.text, file.path, directives, facts)
  return { kind: 'sql', path: file.path, text, directives, empty: isEmpty(text, facts) }
}

/** Most files begin a line with a word, and are not looked at twice. */
function isEmpty(text: string, { lexicon }: ScriptFacts): boolean {
  return !/^[ \t]*[a-z]/im.test(text) && split(text, lexicon).statements.length === 0
}

/** A function of a module. */
export function codeScript(file: SourceFile, direction: 'up' | 'down'): CodeScript | undefined {
  const { module } = file
  if (!module?.[direction]) return undefined
  return { kind: 'code', path: file.path, run: (context) => module[direction]?.(context) }
}

function made(service: string, kind: MigrationKind, { version, name, path, up, down, checksum }: Draft): Migration {
  if (!up) throw loadError(path, 'has a way down and no way up', `add ${path.replace(/\.down\.sql$/, '.up.sql')}`)
  const directives = up.kind === 'sql' ? up.directives : undefined
  return {
    service, kind, version, name, up, down, checksum, requires: directives?.requires ?? [], irreversible: directives?.irreversible ?? false,
    squashes: directives?.baseline ?? false,
  }
}

/** A new database begins with the baseline: a file below it would be run after what holds it already. */
function checkBaseline(migrations: readonly Migration[]): void {
  const baseline = migrations.find(({ squashes }) => squashes)
  const lower = baseline && migrations.find(({ kind, squashes, version }) => kind === 'V' && version <= baseline.version && !(squashes && version === baseline.version))
  if (!baseline || !lower) return
  throw loadError(lower.up.path, `is part of the baseline ${baseline.up.path}, which stands for everything up to version ${String(baseline.version)}`,
    'move the files that were squashed out of the folder')
}

function checkRequirements({ services, migrations }: MigrationSet): void {
  const done = new Set<string>()
  const isSquashed = (needed: { service: string; version: number }): boolean => migrations.some((one) =>
    one.squashes && one.service === needed.service && needed.version <= one.version && done.has(`${one.service}:${String(one.version)}`))
  for (const { service, version, requires, up } of migrations) {
    for (const needed of requires) {
      const name = `${needed.service}:${String(needed.version)}`
      if (!services.includes(needed.service)) throw loadError(up.path, `requires ${name}, and there is no service '${needed.service}'`, `services: ${services.join(', ')}`)
      if (!done.has(name) && !isSquashed(needed)) throw loadError(up.path, `requires ${name}, which does not come before it`, 'declare that service first, or move what is needed')
    }
    done.add(`${service}:${String(version)}`)
  }
}
