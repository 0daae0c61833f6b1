import type { Style } from '../style.js'
import { table, type Column } from '../table.js'
import { count, millis, seconds, width } from '../text.js'
import { READERS, WRITERS } from './load.js'
import type { NodeView, View } from './view.js'

const EVENTS_SHOWN = 6
const BAR_WIDTH = 18
/** Narrower terminals go without the bars. */
const COLUMNS_FOR_BARS = 120
/** Still narrower ones without the columns that can be done without. */
const COLUMNS_FOR_ALL = 100
const LONGEST_TITLE_BAR = 100

interface NodeColumn extends Column {
  /** Shown on wide terminals only. */
  readonly wide?: boolean
  readonly cell: (node: NodeView, style: Style) => string
}

const NODE_COLUMNS: readonly NodeColumn[] = [
  { title: 'SERVER', minWidth: 9, cell: ({ name }, { bold }) => bold(name) },
  { title: 'ROLE', minWidth: 7, wide: true, cell: ({ role }) => role },
  { title: 'STATE', minWidth: 7, cell: ({ state }, style) => paintState(state, style) },
  { title: 'LAG', align: 'right', minWidth: 5, cell: lag },
  { title: 'OPEN', align: 'right', wide: true, cell: ({ open }) => count(open) },
  { title: 'BUSY', align: 'right', cell: ({ inUse }) => count(inUse) },
  { title: 'WAIT', align: 'right', cell: ({ waiting }) => count(waiting) },
  { title: 'CALLS/S', align: 'right', minWidth: 7, cell: ({ perSecond }, { dim }) => perSecond === 0 ? dim('-') : count(perSecond) },
  { title: 'P50 MS', align: 'right', wide: true, cell: ({ p50 }, { dim }) => p50 === undefined ? dim('-') : millis(p50) },
  { title: 'P99 MS', align: 'right', cell: ({ p99 }, { dim }) => p99 === undefined ? dim('-') : millis(p99) },
  { title: 'READS', align: 'right', minWidth: 9, cell: ({ reads }) => count(reads) },
  { title: 'WRITES', align: 'right', minWidth: 7, cell: ({ writes }) => count(writes) },
]

/** The lines of the live table, for a terminal of so many columns. */
export function drawFrame(view: View, style: Style, columns: number): string[] {
  return [
    ...heading(view, style, columns),
    '',
    ...nodeTable(view.nodes, style, columns),
    '',
    ...totals(view, style),
    '',
    ` ${style.cyan(style.glyphs.mark)} ${style.bold(view.now)}`,
    ...view.events.slice(-EVENTS_SHOWN).map(({ atMs, text }) => ` ${style.dim(seconds(atMs).padStart(7))}  ${text}`),
    ...Array.from({ length: Math.max(0, EVENTS_SHOWN - view.events.length) }, () => ''),
  ]
}

function heading({ title, elapsedMs, durationMs }: View, style: Style, columns: number): string[] {
  const room = Math.min(columns - 3, LONGEST_TITLE_BAR)
  const clock = `${(elapsedMs / 1_000).toFixed(1)} of ${seconds(durationMs)}`
  const gap = ' '.repeat(Math.max(2, room - width(title) - clock.length))
  const done = Math.round(room * Math.min(1, elapsedMs / durationMs))
  const bar = style.glyphs.full.repeat(done) + style.dim(style.glyphs.empty.repeat(Math.max(0, room - done)))
  return [` ${style.bold(title)}${gap}${clock}`, ` ${bar}`]
}

function nodeTable(nodes: readonly NodeView[], style: Style, columns: number): string[] {
  const most = Math.max(1, ...nodes.map(({ perSecond }) => perSecond))
  const bar = ({ perSecond }: NodeView): string => style.cyan(style.glyphs.full.repeat(Math.round(BAR_WIDTH * perSecond / most)))
  const bars: NodeColumn[] = columns >= COLUMNS_FOR_BARS ? [{ title: '', minWidth: BAR_WIDTH, cell: bar }] : []
  const shown = [...NODE_COLUMNS.filter(({ wide }) => !wide || columns >= COLUMNS_FOR_ALL), ...bars]
  return table(shown, nodes.map((node) => shown.map(({ cell }) => cell(node, style))), style.dim).map((line) => ` ${line}`)
}

function lag({ role, state, lagMs }: NodeView, { dim }: Style): string {
  return role === 'primary' || lagMs === undefined || state === 'down' ? dim('-') : `${count(lagMs)} ms`
}

function paintState(state: string, style: Style): string {
  if (state === 'up') return style.green(state)
  return state === 'down' ? style.red(state) : style.yellow(state)
}

function totals({ reads, writes, failedReads, failedWrites, repeatedReads }: View, style: Style): string[] {
  const failed = (value: number): string => value === 0 ? style.green('0 failed') : style.red(`${count(value)} failed`)
  const repeated = repeatedReads === 0 ? '' : `, ${count(repeatedReads)} asked again elsewhere`
  return [
    ` ${READERS} readers: ${count(reads)} reads, ${failed(failedReads)}${repeated}`,
    `  ${WRITERS} writers: ${count(writes)} writes, ${failed(failedWrites)}`,
  ]
}

/** The moment as one line, for a log. */
export function drawLine({ elapsedMs, nodes, reads, writes, failedReads, failedWrites }: View): string {
  const each = nodes.map(({ name, state, perSecond, p50, p99 }) =>
    `${name} ${state} ${count(perSecond)}/s${p50 === undefined || p99 === undefined ? '' : ` p50 ${millis(p50)} p99 ${millis(p99)} ms`}`)
  const sums = `reads ${count(reads)} (${count(failedReads)} failed), writes ${count(writes)} (${count(failedWrites)} failed)`
  return `${seconds(elapsedMs).padStart(7)}  ${[...each, sums].join(' | ')}`
}
