import type { BackupManager } from '../../backup/backup-manager.js'
import { BackupSchedule } from '../../backup/schedule.js'
import { asError } from '../../core/deadline.js'
import type { VerifyLevel } from '../../backup/catalog.js'
import type { OnProgress } from '../../backup/progress.js'
import type { RestoreOptions } from '../../backup/restore-options.js'
import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import type { Style } from '../style.js'
import { bytes, listed, plural, seconds } from '../text.js'
import { flagOption, textOption, textOptions, wholeOption } from '../values.js'
import { backupLines, cleanupLines, listLines, planLines } from './report.js'

/** What an action works with. */
export interface ActionInput {
  readonly backups: BackupManager
  readonly invocation: Invocation
  /** The id, path or database name that it is about; `''` where it takes none. */
  readonly what: string
  readonly style: Style
  /** Writes a line for people at once; results come at the end. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** A result for programs, and the same for people. */
export interface ActionResult {
  readonly json: unknown
  readonly lines: readonly string[]
  /** Whether the exit code says that something is wrong; default false. */
  readonly wrong?: boolean
}

/** One of the things `sluice backup` does. */
export interface Action {
  readonly name: string
  /** What its argument is; undefined = it takes none. */
  readonly what: string | undefined
  /** Options of its own, in camelCase. */
  readonly options: readonly string[]
  run(input: ActionInput): Promise<ActionResult>
}

const ID_OR_PATH = "the id of a backup ('latest') or the path of a dump"

/** Every action, in the order people use them. */
export const ACTIONS: readonly Action[] = [
  { name: 'create', what: undefined, options: ['recipient', 'format', 'table', 'excludeTable', 'schemaOnly', 'dataOnly', 'pinDays', 'jobs'], run: create },
  { name: 'list', what: undefined, options: ['all'], run: list },
  { name: 'show', what: "the id of a backup, or 'latest',", options: [], run: show },
  { name: 'verify', what: ID_OR_PATH, options: ['level'], run: verify },
  { name: 'restore', what: ID_OR_PATH, options: ['to', 'confirm', 'owner', 'privileges', 'globals', 'jobs', 'dryRun'], run: restore },
  { name: 'promote', what: 'the name of a restored database', options: [], run: promote },
  { name: 'cleanup', what: undefined, options: ['dryRun'], run: cleanup },
  { name: 'health', what: undefined, options: [], run: health },
  { name: 'schedule', what: undefined, options: ['cron', 'timezone'], run: schedule },
]

const FORMATS = ['custom', 'directory', 'plain'] as const

function formatOption(invocation: Invocation): typeof FORMATS[number] | undefined {
  const text = textOption(invocation, 'format', undefined)
  const format = FORMATS.find((name) => name === text)
  if (text === undefined || format !== undefined) return format
  throw new UsageError(`--format: expected one of ${listed(FORMATS)}, got '${text}'`)
}

async function create({ backups, invocation, signal, onProgress, style }: ActionInput): Promise<ActionResult> {
  const pinDays = wholeOption(invocation, 'pinDays', { min: 0, max: 36_500, otherwise: 0 })
  const made = await backups.backup({
    signal, onProgress, format: formatOption(invocation), tables: textOptions(invocation, 'table'), excludeTables: textOptions(invocation, 'excludeTable'),
    schemaOnly: flagOption(invocation, 'schemaOnly'), dataOnly: flagOption(invocation, 'dataOnly'), pinDays: pinDays === 0 ? undefined : pinDays,
  })
  return { json: made, lines: [`${style.green(style.glyphs.done)} ${made.id}: ${bytes(made.bytes)} of ${made.database} in ${seconds(made.durationMs)}`] }
}

async function list({ backups, invocation, style }: ActionInput): Promise<ActionResult> {
  const found = await backups.list({ all: flagOption(invocation, 'all') })
  const damaged = await backups.damaged()
  return { json: { backups: found, damaged }, lines: listLines(found, damaged, style) }
}

async function show({ backups, what, style }: ActionInput): Promise<ActionResult> {
  const found = await backups.status(what)
  return { json: found, lines: backupLines(found, style) }
}

async function verify({ backups, invocation, what, signal, onProgress, style }: ActionInput): Promise<ActionResult> {
  const level = wholeOption(invocation, 'level', { min: 0, max: 3, otherwise: 2 }) as VerifyLevel
  const result = await backups.verify(what, { level, signal, onProgress })
  const origin = result.origin === 'unverified' ? '; it has no manifest, so nobody knows whether it is what was dumped' : ''
  const verdict = result.good ? 'good' : 'nothing wrong as far as this level looks'
  return {
    json: result,
    lines: [`${style.green(style.glyphs.done)} ${result.id}: ${verdict} (level ${String(level)}, ${seconds(result.durationMs)}${origin})`, ...result.findings.map((finding) => `  ${finding}`)],
  }
}

async function restore(input: ActionInput): Promise<ActionResult> {
  const { backups, invocation, what, signal, onProgress, style } = input
  const options: RestoreOptions = {
    database: textOption(invocation, 'to', undefined), confirm: textOption(invocation, 'confirm', undefined), signal, onProgress,
    noOwner: invocation.options['owner'] === false, noPrivileges: invocation.options['privileges'] === false, globals: flagOption(invocation, 'globals'),
  }
  if (flagOption(invocation, 'dryRun')) {
    const plan = await backups.plan(what, options)
    return { json: plan, lines: planLines(plan, style), wrong: plan.problems.length > 0 || !plan.targetEmpty }
  }
  const result = await backups.restore(what, options)
  const lines = [
    `${style.green(style.glyphs.done)} ${result.id} restored into ${result.database}: ${bytes(result.bytes)} in ${seconds(result.durationMs)}`,
    ...result.origin === 'unverified' ? ['  unverified: a file without a manifest, of which nobody knows whether it is what was dumped'] : [],
    ...result.safetyBackup === undefined ? [] : [`  what was there before is backup ${result.safetyBackup}`],
    ...result.created && result.safetyBackup === undefined ? [`  to put it in the live one's place: sluice backup promote ${result.database}`] : [],
  ]
  return { json: result, lines }
}

async function promote({ backups, what, signal, style }: ActionInput): Promise<ActionResult> {
  const result = await backups.promote(what, { signal })
  return {
    json: result,
    lines: [
      `${style.green(style.glyphs.done)} ${result.from} is ${result.database} now; the former one is kept as ${result.previous}`,
      `  the way back: sluice backup promote ${result.previous}`,
    ],
  }
}

async function cleanup({ backups, invocation, signal, style }: ActionInput): Promise<ActionResult> {
  const result = await backups.cleanup({ dryRun: flagOption(invocation, 'dryRun'), signal })
  return { json: result, lines: [...cleanupLines(result, style), `${plural(result.keep.length, 'backup')} kept`] }
}

async function health({ backups, style }: ActionInput): Promise<ActionResult> {
  const found = await backups.health()
  const sign = found.status === 'ok' ? style.green(style.glyphs.done) : found.status === 'warn' ? style.yellow('!') : style.red(style.glyphs.failed)
  const newest = found.newest === undefined ? '' : `: the newest is ${found.newest.id} (${found.newest.state})`
  return { json: found, lines: [`${sign} ${found.status}${newest}`, ...found.problems.map((problem) => `  ${problem}`)], wrong: found.status === 'fail' }
}

/** Runs until it is interrupted. */
async function schedule({ backups, invocation, signal, say }: ActionInput): Promise<ActionResult> {
  const timed = new BackupSchedule(backups, {
    cron: textOption(invocation, 'cron', undefined), timezone: textOption(invocation, 'timezone', undefined),
    onRun: ({ scheduledFor, outcome, id, error }) => { say(`${scheduledFor.toISOString()} ${outcome}${id === undefined ? '' : ` ${id}`}${error === undefined ? '' : `: ${error.message}`}`) },
  })
  timed.start()
  say(`the next backup is at ${timed.next()?.toISOString() ?? 'no time any more'}`)
  // timers of a schedule keep no process alive
  const alive = setInterval(() => undefined, 60_000)
  await new Promise((resolve) => { signal.addEventListener('abort', resolve, { once: true }) })
  clearInterval(alive)
  await timed.stop({ cancel: true })
  throw asError(signal.reason)
}
