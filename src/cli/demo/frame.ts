import type { Style } from '../style.js'
import { table, type Column } from '../table.js'
import { count, millis, seconds, width } from '../text.js'
import { READERS, WRITERS } from './load.js'
import type { NodeView, View } from './view.js'

const EVENTS_SHOWN = 6
const BAR_WIDTH = 24
/** Narrower terminals go without the bars. */
const COLUMNS_FOR_BARS = 112
const LONGEST_TITLE_BAR = 100

const COLUMNS: readonly Column[] = [
  { title: 'SERVER', minWidth: 9 }, { title: 'ROLE', minWidth: 7 }, { title: 'STATE', minWidth: 7 },
  { title: 'LAG', align: 'right', minWidth: 5 },
  { title: 'OPEN', align: 'right' }, { title: 'BUSY', align: 'right' }, { title: 'WAIT', align: 'right' },
  { title: 'CALLS/S', align: 'right', minWidth: 7 },
  { title: 'P50 MS', align: 'right' }, { title: 'P99 MS', align: 'right' },
  { title: 'READS', align: 'right', minWidth: 9 }, { title: 'WRITES', align: 'right', minWidth: 8 },
]

/** The lines of the live table, for a terminal of so many columns. */
export function drawFrame(view: View, style: Style, columns: number): string[] {
  return [
    ...heading(view, style, columns),
    '',
    ...nodeTable(view.nodes, style, columns),
    '',
    ` ${totals(view, style)}`,
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
  const withBars = columns >= COLUMNS_FOR_BARS
  const most = Math.max(1, ...nodes.map(({ perSecond }) => perSecond))
  const bar = ({ perSecond }: NodeView): string => style.cyan(style.glyphs.full.repeat(Math.round(BAR_WIDTH * perSecond / most)))
  const rows = nodes.map((node) => [...cells(node, style), ...withBars ? [bar(node)] : []])
  return table(withBars ? [...COLUMNS, { title: '', minWidth: BAR_WIDTH }] : COLUMNS, rows, style.dim).map((line) => ` ${line}`)
}

function cells(node: NodeView, style: Style): string[] {
  const { name, role, state, lagMs, open, inUse, waiting, perSecond, p50, p99, reads, writes } = node
  const dash = style.dim('-')
  const lag = role === 'primary' || lagMs === undefined || state === 'down' ? dash : `${millis(Math.round(lagMs)).replace(/\.\d+$/, '')} ms`
  return [
    style.bold(name), role, paintState(state, style), lag, count(open), count(inUse), count(waiting),
    perSecond === 0 ? dash : count(perSecond), p50 === undefined ? dash : millis(p50), p99 === undefined ? dash : millis(p99),
    count(reads), count(writes),
  ]
}

function paintState(state: string, style: Style): string {
  if (state === 'up') return style.green(state)
  return state === 'down' ? style.red(state) : style.yellow(state)
}

function totals({ reads, writes, failedReads, failedWrites, repeatedReads }: View, style: Style): string {
  const failed = (value: number): string => value === 0 ? style.green('0 failed') : style.red(`${count(value)} failed`)
  return `${READERS} readers: ${count(reads)} reads, ${failed(failedReads)}, ${count(repeatedReads)} repeated elsewhere`
    + `   ${style.dim(style.glyphs.bullet)}   ${WRITERS} writers: ${count(writes)} writes, ${failed(failedWrites)}`
}

/** The moment as one line, for a log. */
export function drawLine({ elapsedMs, nodes, reads, writes, failedReads, failedWrites }: View): string {
  const each = nodes.map(({ name, state, perSecond, p50, p99 }) =>
    `${name} ${state} ${count(perSecond)}/s${p50 === undefined || p99 === undefined ? '' : ` p50 ${millis(p50)} p99 ${millis(p99)} ms`}`)
  const sums = `reads ${count(reads)} (${count(failedReads)} failed), writes ${count(writes)} (${count(failedWrites)} failed)`
  return `${seconds(elapsedMs).padStart(7)}  ${[...each, sums].join(' | ')}`
}
