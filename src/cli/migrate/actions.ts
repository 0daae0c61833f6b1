import type { MigrationManager } from '../../migrations/manager.js'
import type { ForeignTool } from '../../migrations/adopt.js'
import type { StatusEntry } from '../../migrations/assess.js'
import type { Resolution } from '../../migrations/resolve.js'
import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import type { Style } from '../style.js'
import { plural } from '../text.js'
import { flagOption, textOption, wholeOption } from '../values.js'
import { createMigration } from './create.js'
import { exitCodeOf } from './exit-codes.js'
import { lintLines } from './lint-report.js'
import { changedLines, driftLines, historyLines, ranLines, rehearsalLines, scriptLines, squashLines, statusLines } from './report.js'

/** What an action works with. */
export interface ActionInput {
  readonly migrations: MigrationManager
  readonly folder: string
  readonly invocation: Invocation
  /** Its argument. */
  readonly what: string | undefined
  readonly style: Style
  /** Of the terminal; Infinity without one. */
  readonly columns: number
  readonly signal: AbortSignal
}

/** A result for programs, and the same for people. */
export interface ActionResult {
  readonly json: unknown
  readonly lines: readonly string[]
  readonly exitCode?: number | undefined
}

/** One of the things `sluice migrate` does. */
export interface Action {
  readonly name: string
  readonly what: 'none' | 'optional' | 'needed'
  /** What its argument is. */
  readonly meaning: string
  /** Options of its own, in camelCase. */
  readonly options: readonly string[]
  run(input: ActionInput): Promise<ActionResult>
}

const VERSION = 'a version'

/** Every action, in the order people use them. */
export const ACTIONS: readonly Action[] = [
  { name: 'up', what: 'optional', meaning: 'a number of migrations', options: ['dryRun', 'atomic', 'allowOutOfOrder'], run: up },
  { name: 'down', what: 'optional', meaning: 'a number of migrations', options: ['dryRun', 'atomic', 'service'], run: down },
  { name: 'to', what: 'needed', meaning: VERSION, options: ['dryRun', 'atomic', 'service'], run: to },
  { name: 'status', what: 'none', meaning: '', options: [], run: status },
  { name: 'version', what: 'none', meaning: '', options: ['service'], run: version },
  { name: 'plan', what: 'none', meaning: '', options: ['allowOutOfOrder', 'rehearse'], run: plan },
  { name: 'lint', what: 'none', meaning: '', options: ['all', 'offline'], run: lint },
  { name: 'create', what: 'needed', meaning: 'a name, such as add_email,', options: ['service'], run: create },
  { name: 'force', what: 'needed', meaning: "a version, or 'none',", options: ['service'], run: force },
  { name: 'resolve', what: 'needed', meaning: VERSION, options: ['statement', 'outcome', 'service'], run: resolve },
  { name: 'baseline', what: 'needed', meaning: VERSION, options: ['service'], run: baseline },
  { name: 'repair', what: 'none', meaning: '', options: ['yes'], run: repair },
  { name: 'squash', what: 'needed', meaning: VERSION, options: ['dryRun', 'service', 'data', 'archive'], run: squash },
  { name: 'seed', what: 'none', meaning: '', options: ['dryRun', 'seeds', 'env'], run: seed },
  { name: 'import', what: 'needed', meaning: 'the name of the other tool', options: ['table', 'service'], run: importing },
  { name: 'drift', what: 'none', meaning: '', options: [], run: drift },
  { name: 'history', what: 'none', meaning: '', options: [], run: history },
]

function whole(what: string | undefined, min: number): number | undefined {
  if (what === undefined) return undefined
  if (/^\d{1,15}$/.test(what) && Number(what) >= min) return Number(what)
  throw new UsageError(`expected a whole number of at least ${String(min)}, got '${what}'`)
}

const versionOf = ({ what }: ActionInput): number => whole(what, 0) ?? 0
const serviceOf = ({ invocation }: ActionInput): string | undefined => textOption(invocation, 'service', undefined)

async function dryRun({ migrations, invocation, style, what }: ActionInput, call: 'up' | 'down' | 'migrate'): Promise<ActionResult> {
  const scripts = await migrations.preview(call, whole(what, 0), { service: textOption(invocation, 'service', undefined) })
  return { json: { dryRun: true, scripts }, lines: scriptLines(scripts, style) }
}

async function up(input: ActionInput): Promise<ActionResult> {
  if (flagOption(input.invocation, 'dryRun')) return dryRun(input, 'up')
  const result = await input.migrations.up(whole(input.what, 0), { signal: input.signal })
  return { json: result, lines: ranLines(result, input.style) }
}

async function down(input: ActionInput): Promise<ActionResult> {
  if (flagOption(input.invocation, 'dryRun')) return dryRun(input, 'down')
  const result = await input.migrations.down(whole(input.what, 0) ?? 1, { signal: input.signal, service: serviceOf(input) })
  return { json: result, lines: ranLines(result, input.style) }
}

async function to(input: ActionInput): Promise<ActionResult> {
  if (flagOption(input.invocation, 'dryRun')) return dryRun(input, 'migrate')
  const result = await input.migrations.migrate(versionOf(input), { signal: input.signal, service: serviceOf(input) })
  return { json: result, lines: ranLines(result, input.style) }
}

async function status({ migrations, style, columns }: ActionInput): Promise<ActionResult> {
  const entries = await migrations.status()
  return { json: { migrations: entries }, lines: statusLines(entries, style, columns), exitCode: statusCode(entries) }
}

/** As a refusal of `up` would have it. */
function statusCode(entries: readonly StatusEntry[]): number {
  const states = new Set(entries.map(({ state }) => state))
  if (states.has('dirty')) return 3
  return states.has('changed') || states.has('missing') || states.has('outOfOrder') ? 4 : 0
}

async function version(input: ActionInput): Promise<ActionResult> {
  const found = await input.migrations.version(serviceOf(input))
  return { json: found, lines: [`${String(found.version)}${found.dirty ? ' (dirty)' : ''}`], exitCode: found.dirty ? 3 : 0 }
}

function rehearseOption({ options: { rehearse = false } }: Invocation): boolean | 'scratch' {
  if (typeof rehearse === 'boolean' || rehearse === 'scratch') return rehearse
  throw new UsageError(`--rehearse: expected nothing or scratch, got ${JSON.stringify(rehearse)}`)
}

async function plan({ migrations, invocation, style, columns, signal }: ActionInput): Promise<ActionResult> {
  const rehearse = rehearseOption(invocation)
  const { pending, refusal, rehearsal = [] } = await migrations.plan({ rehearse, signal })
  const reason = refusal && { code: refusal.code, kind: refusal.kind, message: refusal.message, hint: refusal.hint }
  const refused = refusal ? [`${style.red(style.glyphs.failed)} up would refuse: ${refusal.message}`, ...refusal.hint === undefined ? [] : [`  ${refusal.hint}`]] : []
  return {
    json: { pending, refusal: reason, ...rehearsal.length > 0 ? { rehearsal } : {} },
    lines: [...pending.length > 0 ? statusLines(pending, style, columns) : ['nothing is pending'], ...refused, ...rehearsalLines(rehearsal, style, rehearse === 'scratch')],
    exitCode: refusal ? exitCodeOf(refusal) : rehearsal.some(({ error }) => error !== undefined) ? 1 : 0,
  }
}

async function lint({ migrations, invocation, style }: ActionInput): Promise<ActionResult> {
  const result = await migrations.lint({ all: flagOption(invocation, 'all'), offline: flagOption(invocation, 'offline') })
  return { json: result, lines: lintLines(result, style), exitCode: result.findings.some(({ level }) => level === 'error') ? 5 : 0 }
}

async function create({ folder, what = '', migrations }: ActionInput): Promise<ActionResult> {
  const made = await createMigration(folder, what, migrations)
  return { json: { files: made }, lines: made }
}

async function force(input: ActionInput): Promise<ActionResult> {
  const wanted = input.what === 'none' ? -1 : versionOf(input)
  const found = await input.migrations.force(wanted, { service: serviceOf(input), signal: input.signal })
  return { json: found, lines: [`the history says ${String(found.version)} now; nothing was run`] }
}

async function resolve(input: ActionInput): Promise<ActionResult> {
  const statement = wholeOption(input.invocation, 'statement', { min: 1, max: 1_000_000, otherwise: 0 })
  const outcome = textOption(input.invocation, 'outcome', undefined)
  if (outcome !== 'applied' && outcome !== 'not-applied') throw new UsageError(`--outcome: expected applied or not-applied, got ${JSON.stringify(outcome) ?? 'nothing'}`)
  const options: Resolution = { outcome, service: serviceOf(input), signal: input.signal, ...statement === 0 ? {} : { statement } }
  const found = await input.migrations.resolve(versionOf(input), options)
  return { json: found, lines: [`written down: ${outcome}; 'sluice migrate up' goes on from there`] }
}

async function baseline(input: ActionInput): Promise<ActionResult> {
  const found = await input.migrations.baseline(versionOf(input), { service: serviceOf(input), signal: input.signal })
  return { json: found, lines: [`files up to ${String(found.version)} count as applied; nothing was run`] }
}

async function repair({ migrations, invocation, style, signal }: ActionInput): Promise<ActionResult> {
  const yes = flagOption(invocation, 'yes')
  const result = await migrations.repair({ confirm: () => yes, signal })
  const rest = result.changed.length - result.repaired.length
  return { json: result, lines: changedLines(result, style), exitCode: rest > 0 ? 4 : 0 }
}

async function squash(input: ActionInput): Promise<ActionResult> {
  const { invocation, style, signal } = input
  const data = textOption(invocation, 'data', 'refuse')
  if (data !== 'refuse' && data !== 'include' && data !== 'leave') throw new UsageError(`--data: expected refuse, include or leave, got '${data}'`)
  const dryRun = flagOption(invocation, 'dryRun')
  const result = await input.migrations.squash(versionOf(input), { service: serviceOf(input), archive: textOption(invocation, 'archive', undefined), data, dryRun, signal })
  return { json: result, lines: squashLines(result, style) }
}

async function seed({ migrations, invocation, style, signal }: ActionInput): Promise<ActionResult> {
  const environment = textOption(invocation, 'env', undefined)
  if (flagOption(invocation, 'dryRun')) {
    const scripts = await migrations.preview('seed', undefined, { environment })
    return { json: { dryRun: true, scripts }, lines: scriptLines(scripts, style) }
  }
  const result = await migrations.seed({ environment, signal })
  return { json: result, lines: ranLines(result, style) }
}

async function importing(input: ActionInput): Promise<ActionResult> {
  const table = textOption(input.invocation, 'table', undefined)
  const { adopted } = await input.migrations.import({ from: (input.what ?? '') as ForeignTool, table, service: serviceOf(input), signal: input.signal })
  return { json: { adopted }, lines: [`${plural(adopted.length, 'migration')} of ${input.what ?? ''} ${adopted.length === 1 ? 'counts' : 'count'} as applied; nothing was run`] }
}

async function drift({ migrations, style }: ActionInput): Promise<ActionResult> {
  const found = await migrations.drift()
  return { json: found, lines: driftLines(found, style), exitCode: found.added.length + found.removed.length + found.changed.length > 0 ? 4 : 0 }
}

async function history({ migrations }: ActionInput): Promise<ActionResult> {
  const entries = await migrations.history()
  return { json: { history: entries }, lines: historyLines(entries) }
}
