import { dirname } from 'node:path'
import type { AppliedMigration } from '../../migrations/apply.js'
import type { StatusEntry } from '../../migrations/assess.js'
import type { CatalogDrift } from '../../migrations/drift.js'
import type { LogEntry } from '../../migrations/history-row.js'
import type { PlannedScript } from '../../migrations/preview.js'
import type { RehearsedMigration } from '../../migrations/rehearse.js'
import type { RepairResult } from '../../migrations/repair.js'
import type { SquashResult } from '../../migrations/squash/squash.js'
import type { Style } from '../style.js'
import { table } from '../table.js'
import { millis, plural, seconds, width } from '../text.js'
import { title } from './title.js'

const SHORT = 12

interface Ran {
  readonly applied?: readonly AppliedMigration[]
  readonly reverted?: readonly AppliedMigration[]
}

const SECOND_MS = 1_000

const duration = (ms: number): string => ms < SECOND_MS ? `${millis(ms)} ms` : seconds(ms)

/** What was run. */
export function ranLines({ applied = [], reverted = [] }: Ran, style: Style): string[] {
  const done = style.green(style.glyphs.done)
  const sum = (all: readonly AppliedMigration[]): string => duration(all.reduce((ms, { durationMs }) => ms + durationMs, 0))
  const last = (all: readonly AppliedMigration[]): string => { const one = all.at(-1); return one ? title(one) : '' }
  return [
    ...reverted.length > 0 ? [`${done} ${plural(reverted.length, 'migration')} reverted in ${sum(reverted)}, the last one ${last(reverted)}`] : [],
    ...applied.length > 0 ? [`${done} ${plural(applied.length, 'migration')} applied in ${sum(applied)}, the last one ${last(applied)}`] : [],
    ...applied.length + reverted.length === 0 ? ['nothing to do'] : [],
  ]
}

/** Every migration and its state; what does not fit beside that is left out, the last column first. */
export function statusLines(entries: readonly StatusEntry[], style: Style, columns = Infinity): string[] {
  if (entries.length === 0) return ['no migrations']
  const several = new Set(entries.map(({ service }) => service)).size > 1
  const paint = (state: string): string => state === 'applied' || state === 'baseline' ? style.green(state) : state === 'pending' ? style.cyan(state) : style.red(state)
  const rows = entries.map(({ service, version, name, kind, state, statement, ahead, appliedAt, durationMs, appliedBy }) => [
    ...several ? [service] : [], kind === 'R' ? 'R' : String(version), name,
    `${paint(state)}${statement ? ` (statement ${String(statement.number)}/${String(statement.of)})` : ''}${ahead ? ' (ahead)' : ''}`,
    appliedAt?.toISOString().slice(0, 19).replace('T', ' ') ?? '', durationMs === undefined ? '' : `${millis(durationMs)} ms`, appliedBy ?? '',
  ])
  const titles = [...several ? ['service'] : [], 'version', 'name', 'state', 'applied (UTC)', 'took', 'by']
  const pending = entries.filter(({ state }) => state === 'pending').length
  const drawn = (count: number): string[] =>
    table(titles.slice(0, count).map((text) => ({ title: text, align: text === 'version' || text === 'took' ? 'right' : 'left' })), rows.map((row) => row.slice(0, count)), style.dim)
  const spare = [0, 1, 2, 3].map((left) => drawn(titles.length - left))
  return [
    ...spare.find((lines) => lines.every((line) => width(line) <= columns)) ?? spare.at(-1) ?? [],
    `${plural(entries.length, 'migration')}, ${String(pending)} pending`,
  ]
}

/** The SQL of a dry run, as a script that says where its parts come from. */
export function scriptLines(scripts: readonly PlannedScript[], style: Style): string[] {
  if (scripts.length === 0) return ['-- nothing to do']
  return scripts.flatMap(({ path, sql, alone, direction, ...rest }) => [
    style.dim(`-- ${direction} ${title(rest)}: ${path}${alone ? ' (statement by statement)' : ''}`),
    ...(sql ?? '-- code: it says itself what it does').replace(/\s+$/, '').split('\n'), '',
  ])
}

/** How pending migrations went when they were tried, and what they locked. */
export function rehearsalLines(rehearsal: readonly RehearsedMigration[], style: Style, scratch: boolean): string[] {
  if (rehearsal.length === 0) return []
  return ['', scratch ? 'rehearsed on a scratch database:' : 'rehearsed, and rolled back:', ...rehearsal.flatMap(({ durationMs, locks, error, untried, ...rest }) => [
    `${error === undefined ? style.green(style.glyphs.done) : style.red(style.glyphs.failed)} ${title(rest)} (${millis(durationMs)} ms)`,
    ...locks.map(({ relation, mode, line }) => `  line ${String(line)}: ${mode === 'AccessExclusiveLock' ? style.yellow(mode) : mode} on ${relation}`),
    ...error === undefined ? [] : [`  ${style.red(error)}`], ...untried === undefined ? [] : [`  not tried: ${untried}`],
  ])]
}

/** One file in place of many; its text where nothing was written. */
export function squashLines({ baseline, archived, squashed, sql }: SquashResult, style: Style): string[] {
  if (baseline === undefined) return sql.replace(/\s+$/, '').split('\n')
  const [first] = archived
  return [
    `${style.green(style.glyphs.done)} ${plural(squashed, 'migration')} squashed into ${baseline}; a database made from it has the same catalog`,
    ...first === undefined ? [] : [`  their files are in ${dirname(first)}`],
    '  databases that have all of them run nothing; one that has a part of them must be brought to the end of it by the release before this one',
  ]
}

/** Files that are no longer what was applied. */
export function changedLines({ changed, repaired }: RepairResult, style: Style): string[] {
  if (changed.length === 0) return ['every file is what was applied']
  return [
    ...changed.map((file) => `${style.glyphs.bullet} ${title(file)}: applied ${file.applied.slice(0, SHORT)}, now ${file.now.slice(0, SHORT)} (git log -p -- ${file.path})`),
    repaired.length > 0 ? `${plural(repaired.length, 'checksum')} written` : 'nothing was written: look at what changed, then say --yes',
  ]
}

/** What differs from the catalog the last run left. */
export function driftLines({ since, added, removed, changed }: CatalogDrift, style: Style): string[] {
  if (!since) return ['no run has ended here yet: nothing can be told']
  const lines = [...added.map((name) => style.green(`+ ${name}`)), ...removed.map((name) => style.red(`- ${name}`)), ...changed.map((name) => style.yellow(`~ ${name}`))]
  return lines.length === 0 ? [`the catalog is as the run of ${since.toISOString()} has left it`] : lines
}

/** Everything that was ever done. */
export function historyLines(entries: readonly LogEntry[]): string[] {
  if (entries.length === 0) return ['no history']
  return table([{ title: 'when (UTC)' }, { title: 'what' }, { title: 'migration' }, { title: 'by' }, { title: 'detail' }], entries.map(({ at, action, service, version, name, by, detail }) => [
    at?.toISOString().slice(0, 19).replace('T', ' ') ?? '', action,
    version === undefined ? '' : title({ service: service ?? 'default', version, name: name ?? '' }), by ?? '', detail?.split('\n')[0] ?? '',
  ]))
}
