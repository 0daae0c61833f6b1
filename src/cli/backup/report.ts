import type { BackupInfo, Damaged } from '../../backup/catalog.js'
import type { CleanupResult } from '../../backup/cleanup.js'
import type { RestorePlan } from '../../backup/plan.js'
import type { Style } from '../style.js'
import { table } from '../table.js'
import { bytes, count, plural, seconds } from '../text.js'

/** Backups as a table, the newest first. */
export function listLines(found: readonly BackupInfo[], damaged: readonly Damaged[], style: Style): string[] {
  const rows = [
    ...found.map((info) => [
      info.id, info.database, bytes(info.bytes), info.format, info.encrypted ? 'age' : 'no', stateText(info.state, style), info.pinnedUntil?.slice(0, 10) ?? '',
    ]),
    ...damaged.map(({ id, problem }) => [id, '', '', '', '', stateText('damaged', style), problem]),
  ]
  if (rows.length === 0) return ['no backups']
  return table([
    { title: 'ID' }, { title: 'DATABASE' }, { title: 'SIZE', align: 'right' }, { title: 'FORMAT' }, { title: 'ENCRYPTED' }, { title: 'STATE' }, { title: 'PINNED UNTIL' },
  ], rows, style.dim)
}

function stateText(state: BackupInfo['state'], style: Style): string {
  return state === 'good' ? style.green(state) : state === 'damaged' ? style.red(state) : state
}

/** One backup: its facts, tables and verifications. */
export function backupLines(info: BackupInfo, style: Style): string[] {
  const facts: [string, string][] = [
    ['id', info.id], ['state', stateText(info.state, style)], ...info.problem === undefined ? [] : [['problem', info.problem] as [string, string]],
    ['database', `${info.database} (${info.engine} ${info.serverVersion}, ${bytes(info.databaseBytes)})`],
    ['made', `${info.startedAt}, in ${seconds(info.durationMs)}, on ${info.host}`],
    ['stored', `${bytes(info.bytes)}, format ${info.format}, ${info.encrypted ? 'encrypted' : 'not encrypted'}, ${info.authenticity}`],
    ...info.pinnedUntil === undefined ? [] : [['pinned', `until ${info.pinnedUntil}`] as [string, string]],
    ...Object.entries(info.tags).map(([name, value]): [string, string] => [`tag ${name}`, value]),
    ...info.verifications.map(({ at, level, ok, findings }): [string, string] => [`verified`, `${at}, level ${String(level)}: ${[ok ? 'ok' : 'damaged', ...findings].join('; ')}`]),
  ]
  const tables = (info.tables ?? []).map(({ schema, name, rows }) => [`${schema}.${name}`, count(rows)])
  return [
    ...table([{ title: '' }, { title: '' }], facts).slice(1),
    ...tables.length === 0 ? [] : ['', ...table([{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }], tables, style.dim)],
  ]
}

/** What a restore would do. */
export function planLines(plan: RestorePlan, style: Style): string[] {
  const target = plan.creates ? `make ${plan.database} and fill it` : plan.targetEmpty ? `fill the empty ${plan.database}` : `refuse: ${plan.database} is not empty`
  const ready = plan.problems.length === 0 && plan.targetEmpty
  return [
    `${ready ? style.green(style.glyphs.done) : style.red(style.glyphs.failed)} it would ${target} from ${bytes(plan.bytes)} of ${plan.id}`,
    ...plan.problems.map((problem) => `  ${problem}`),
    ...plan.lastRestoreMs === undefined ? [] : [`  its last restore took ${seconds(plan.lastRestoreMs)}`],
  ]
}

/** What a clean-up deleted, or would. */
export function cleanupLines(result: CleanupResult, style: Style): string[] {
  const verb = result.dryRun ? 'would be deleted' : 'deleted'
  return [
    ...result.delete.map((id) => `${style.glyphs.bullet} ${id} ${verb}`),
    ...result.retained.map((id) => `${style.glyphs.bullet} ${id} stays: the store does not let it go`),
    ...result.partial.map((folder) => `${style.glyphs.bullet} ${folder} (left by a job that died) ${verb}`),
    ...result.dryRun ? result.keep.map(({ id, reasons }) => `${style.glyphs.bullet} ${id} stays: ${reasons.join(', ')}`) : [],
    `${plural(result.delete.length, 'backup')} ${verb} (${bytes(result.bytes)})`,
  ]
}
