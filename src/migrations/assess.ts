import { MigrationError, type MigrationFailure } from './errors.js'
import type { JournalLine } from './history-read.js'
import type { HistoryRow } from './history-row.js'
import { downName, type HistoryState } from './history.js'
import { titleOf, type Migration, type MigrationSet } from './migration.js'
import { behindError, placeOfBaseline } from './squashed.js'

/** What files and history say together about one migration. */
export type MigrationStatus = 'applied' | 'pending' | 'changed' | 'missing' | 'outOfOrder' | 'dirty' | 'interrupted' | 'baseline'

/** One migration as `status()` tells it. */
export interface StatusEntry {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly kind: 'V' | 'R' | 'S' | 'B'
  readonly state: MigrationStatus
  readonly appliedAt: Date | undefined
  readonly durationMs: number | undefined
  readonly appliedBy: string | undefined
  /** For `dirty`: the statement whose outcome is not known, and how many there are. */
  readonly statement: { readonly number: number; readonly of: number } | undefined
  readonly error: string | undefined
  /** Missing because the database is newer than every file here: another version of the program has applied it. */
  readonly ahead: boolean
}

/** A migration, its row where it has one, and what both mean. */
export interface Assessed {
  readonly status: MigrationStatus | 'ahead' | 'behind'
  readonly migration: Migration | undefined
  readonly row: HistoryRow | undefined
  /** Its statements in the journal. */
  readonly journal: readonly JournalLine[]
}

/** How to judge. */
export interface AssessOptions {
  /** `service:version`, or only the version. */
  readonly allowOutOfOrder: ReadonlySet<string>
  /** It is about seeds, or about everything else. */
  readonly seeds: boolean
  /** A failed statement has certainly left nothing behind. */
  readonly atomicStatements: boolean
}

/** Compares files and history. Rows of services that have no files here belong to somebody else. Pure. */
export function assess(set: MigrationSet, history: HistoryState, options: AssessOptions): Assessed[] {
  const rows = history.rows.filter(({ service, kind }) => (kind === 'S') === options.seeds && set.services.includes(service))
  const heights = heightsOf(set, rows)
  const found = new Set<HistoryRow>()
  const assessed = set.migrations.map((migration): Assessed => {
    const row = rows.find((candidate) => isRowOf(candidate, migration)) ?? markOfBaseline(rows, migration)
    if (row) found.add(row)
    const journal = journalOf(history, row ?? migration)
    return { status: statusOf(migration, row, journal, heights, options), migration, row, journal }
  })
  const rest = rows.filter((row) => !found.has(row)).map((row): Assessed =>
    ({ status: leftStatus(row, heights), migration: undefined, row, journal: journalOf(history, row) }))
  return [...assessed, ...rest]
}

/** Of one service: the highest version applied, of a file, and of the baseline. */
interface Heights {
  readonly applied: number
  readonly loaded: number
  readonly baseline: number
  /** It has begun with migrations that were squashed since, and not come to the end of them. */
  readonly behind: boolean
}

function heightsOf(set: MigrationSet, rows: readonly HistoryRow[]): Map<string, Heights> {
  const top = (versions: readonly number[]): number => Math.max(-1, ...versions)
  return new Map(set.services.map((service) => {
    const own = rows.filter((row) => row.service === service)
    const applied = top(own.filter(({ kind, state }) => kind === 'V' && state !== 'failed' && state !== 'running').map(({ version }) => version))
    const declared = top(own.filter(({ kind }) => kind === 'B').map(({ version }) => version))
    const squashed = placeOfBaseline(set.migrations.find((migration) => migration.service === service && migration.squashes), own, Math.max(applied, declared))
    return [service, {
      applied, behind: squashed === 'behind', baseline: Math.max(declared, squashed === 'behind' ? -1 : squashed),
      loaded: top(set.migrations.filter((migration) => migration.service === service).map(({ version }) => version)),
    }]
  }))
}

function isRowOf(row: HistoryRow, { service, kind, version, name, squashes }: Migration): boolean {
  return row.service === service && row.kind === kind && row.version === version && (isRepeatable({ kind, version }) || squashes ? row.name === name : true)
}

/** Where the place of a baseline was taken by what it was made of, and that is written down. */
function markOfBaseline(rows: readonly HistoryRow[], { service, version, squashes }: Migration): HistoryRow | undefined {
  return squashes ? rows.find((row) => row.kind === 'B' && row.service === service && row.version === version) : undefined
}

/** Run again when it has changed, and known by its name. */
function isRepeatable({ kind, version }: { readonly kind: string; readonly version: number }): boolean {
  return kind === 'R' || (kind === 'S' && version === 0)
}

function journalOf({ journal }: HistoryState, { service, version, name }: { service: string; version: number; name: string }): JournalLine[] {
  return journal.filter((line) => line.service === service && line.version === version && (line.name === name || line.name === downName(name)))
}

function statusOf(
  migration: Migration, row: HistoryRow | undefined, journal: readonly JournalLine[], heights: ReadonlyMap<string, Heights>, options: AssessOptions,
): Assessed['status'] {
  const { service, version, kind } = migration
  if (row?.kind === 'B') return 'baseline'
  if (row?.state === 'applied') return row.checksum === migration.checksum ? 'applied' : isRepeatable(migration) ? 'pending' : 'changed'
  if (row) return isDirty(row, journal, options.atomicStatements) ? 'dirty' : 'interrupted'
  const height = heights.get(service)
  // seeds of another environment come late, and disturb nobody
  if (kind === 'R' || kind === 'S' || !height) return 'pending'
  if (version <= height.baseline) return 'baseline'
  if (migration.squashes && height.behind) return 'behind'
  const allowed = options.allowOutOfOrder.has(String(version)) || options.allowOutOfOrder.has(`${service}:${String(version)}`)
  return version < height.applied && !allowed ? 'outOfOrder' : 'pending'
}

/** Only statement by statement can anything be left behind, and only a statement whose outcome is not known is in doubt. */
function isDirty({ statementsTotal }: HistoryRow, journal: readonly JournalLine[], atomicStatements: boolean): boolean {
  if (statementsTotal === undefined) return false
  return journal.some(({ state }) => state === 'running' || (state === 'failed' && !atomicStatements))
}

function leftStatus(row: HistoryRow, heights: ReadonlyMap<string, Heights>): Assessed['status'] {
  if (row.kind === 'B') return 'baseline'
  if (row.kind === 'R') return 'missing'
  if (row.state !== 'applied' && row.statementsTotal !== undefined) return 'dirty'
  const height = heights.get(row.service)
  if (height && row.version <= height.baseline) return 'baseline'
  return height && row.version > height.loaded ? 'ahead' : 'missing'
}

/** As `status()` tells it. */
export function entryOf({ status, migration, row, journal }: Assessed): StatusEntry {
  const { service, version, name, kind } = migration ?? row ?? { service: '', version: 0, name: '', kind: 'V' as const }
  const open = journal.find(({ state }) => state !== 'done')
  return {
    service, version, name, kind, state: status === 'ahead' || status === 'behind' ? 'missing' : status, ahead: status === 'ahead',
    appliedAt: row?.finishedAt, durationMs: row?.durationMs, appliedBy: row?.appliedBy,
    statement: status === 'dirty' && open && row?.statementsTotal !== undefined ? { number: open.index, of: row.statementsTotal } : undefined,
    error: open?.error ?? row?.error,
  }
}

/** Title of a migration or of its row. */
export function titleOfAssessed({ migration, row }: Assessed): string {
  const subject = migration ?? row
  return subject ? titleOf(subject) : ''
}

const NOTHING_CHANGED = 'nothing was changed'

/** Why nothing may run; undefined = it may. The most pressing reason first. */
export function refusalOf(assessed: readonly Assessed[], ahead: 'allow' | 'refuse'): MigrationError | undefined {
  const first = (status: Assessed['status']): Assessed | undefined => assessed.find((each) => each.status === status)
  const dirty = first('dirty')
  if (dirty) return dirtyError(dirty)
  const behind = first('behind')
  if (behind?.migration) return behindError(behind.migration, assessed)
  const changed = assessed.filter(({ status }) => status === 'changed')
  if (changed.length > 0) return changedError(changed)
  const missing = assessed.filter(({ status, row }) => status === 'missing' && row?.kind === 'V')
  if (missing.length > 0) return missingError(missing)
  const late = assessed.filter(({ status }) => status === 'outOfOrder')
  if (late.length > 0) return orderError(late, assessed)
  const empty = assessed.filter((each) => each.status === 'pending' && isEmpty(each))
  if (empty.length > 0) return emptyError(empty)
  const newer = assessed.filter(({ status }) => status === 'ahead')
  return ahead === 'refuse' && newer.length > 0 ? aheadError(newer) : undefined
}

/** The refusal of everything while an outcome is not known. */
export function dirtyError(dirty: Assessed): MigrationError {
  const title = titleOfAssessed(dirty)
  const { statement, error, service, version } = entryOf(dirty)
  const at = statement ? ` at statement ${String(statement.number)}/${String(statement.of)}` : ''
  const why = error !== undefined ? `failed${at}: ${error}` : `was interrupted${at}, whose outcome is not known`
  const number = String(statement?.number ?? 1)
  const call = `resolve(${String(version)}, { statement: ${number}, outcome: 'applied' })`
  return new MigrationError('dirty', `${title} ${why}; ${NOTHING_CHANGED}`, {
    service, version, statement: statement?.number,
    hint: `look whether statement ${number} is done, and say so: ${call}, or outcome: 'not-applied'; then run up again. The whole file as done: force(${String(version)})`,
  })
}

function list(assessed: readonly Assessed[]): string {
  return assessed.map(titleOfAssessed).join(', ')
}

function failure(kind: MigrationFailure, message: string, [first]: readonly Assessed[], hint: string): MigrationError {
  const { service, version } = first?.migration ?? first?.row ?? {}
  return new MigrationError(kind, `${message}; ${NOTHING_CHANGED}`, { service, version, hint })
}

function changedError(changed: readonly Assessed[]): MigrationError {
  const [first] = changed
  const sums = `applied ${first?.row?.checksum.slice(0, 12) ?? ''}, now ${first?.migration?.checksum.slice(0, 12) ?? ''}`
  return failure('drift', `${list(changed)}: the file is no longer what was applied (${sums})`, changed,
    `put the file back (git log -p -- ${first?.migration?.up.path ?? ''}) and make a new migration; when the change means nothing: repair(), or sluice migrate repair --yes`)
}

/** As `migrate create` leaves it, or with nothing but comments; unless it says why. */
function isEmpty({ migration }: Assessed): boolean {
  return migration?.up.kind === 'sql' && migration.up.empty && !migration.up.directives.nolint.has(EMPTY_RULE)
}

/** Name of the linter's rule. */
export const EMPTY_RULE = 'empty-migration'

function emptyError(empty: readonly Assessed[]): MigrationError {
  return failure('missing', `${list(empty)}: the file holds no statement`, empty,
    `write it (${empty[0]?.migration?.up.path ?? ''}); where nothing is meant to be done, say so: -- sluice:nolint ${EMPTY_RULE} reason=…`)
}

function missingError(missing: readonly Assessed[]): MigrationError {
  return failure('missing', `${list(missing)}: applied, and the file is not there`, missing,
    'put the file back')
}

function orderError(late: readonly Assessed[], assessed: readonly Assessed[]): MigrationError {
  const service = late[0]?.migration?.service
  const top = assessed.filter(({ status, migration, row }) => status === 'applied' && migration?.kind === 'V' && row?.service === service).at(-1)
  const versions = late.map(({ migration }) => migration?.version).join(' ')
  return failure('outOfOrder', `${list(late)}: older than ${top ? titleOfAssessed(top) : 'what is applied'}, which is applied already`, late,
    `give the file a higher version, or apply it as it is: allowOutOfOrder: [${versions.replaceAll(' ', ', ')}]`)
}

function aheadError(newer: readonly Assessed[]): MigrationError {
  return failure('missing', `${list(newer)}: applied to the database, and newer than every file here`, newer,
    "run the code that has these files, put them back, or say ahead: 'allow'")
}
