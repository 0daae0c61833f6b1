import type { Style } from '../style.js'
import { table, type Column } from '../table.js'
import { count, plural, width, wrap } from '../text.js'
import { countableReads, type Claim, type Findings } from './claims.js'

type Server = Findings['servers'][number]

interface ServerColumn extends Column {
  /** The title where the terminal is too narrow for the long ones. */
  readonly short: string
  /** Left out where even the short titles are too wide: the claims say the same. */
  readonly spare?: boolean
  readonly cell: (server: Server, findings: Findings, style: Style) => string
}

const COLUMNS: readonly ServerColumn[] = [
  { title: 'SERVER', short: 'SERVER', cell: ({ name }, _, { bold }) => bold(name) },
  { title: 'SAYS IT IS', short: 'IS', cell: ({ replica }) => replica ? 'replica' : 'primary' },
  { title: 'ROWS', short: 'ROWS', align: 'right', cell: ({ rows }) => count(rows) },
  { title: 'DIFFERENT IDS', short: 'IDS', align: 'right', spare: true, cell: ({ distinctIds }) => count(distinctIds) },
  { title: 'BALANCE', short: 'BALANCE', align: 'right', spare: true, cell: ({ balance }) => count(balance) },
  { title: 'READS IT COUNTED', short: 'ITS READS', align: 'right', cell: ({ reads }) => reads === undefined ? '–' : count(reads) },
  { title: 'WE COUNTED', short: 'OUR COUNT', align: 'right', cell: ({ name }, findings) => count(countableReads(findings, name)) },
  { title: 'ROWS IT CHANGED', short: 'CHANGED', align: 'right', cell: ({ changes }) => changes === undefined ? '–' : count(changes) },
]

/** Beside the claims there is room for this much at least, however narrow the terminal. */
const NARROWEST_EVIDENCE = 30

/** What the servers say, and what follows from it, in lines of at most `columns`. */
export function summaryLines(findings: Findings, claims: readonly Claim[], style: Style, columns = Infinity): string[] {
  const { kill, servers } = findings
  const counting = servers.some(({ reads }) => reads !== undefined)
  const notes = [
    counting ? 'Reads are counted as scans of the tables that only the reads look into: probes, pings and writes do not touch them.'
      : 'This engine does not count reads by table: those figures are ours alone.',
    ...kill === undefined || !counting ? [] : [
      `What ${kill.victim} says it counted is since its return: its counters died with it. Before, we had counted ${count(kill.readsBefore)} reads there.`,
    ],
  ]
  return [
    '',
    ` ${style.bold('What the servers say')}, each asked alone after the load had ended:`,
    ...serverTable(findings, style, columns),
    ...notes.flatMap((note) => wrap(note, columns - 2)).map((line) => ` ${style.dim(line)}`),
    '',
    ...claimLines(claims, style, columns),
    '',
    ` ${verdict(claims, style)}`,
  ]
}

/** The widest table that fits: a line that wraps would break in the middle of a number. */
function serverTable(findings: Findings, style: Style, columns: number): string[] {
  const short = COLUMNS.map((column) => ({ ...column, title: column.short }))
  const tables = [COLUMNS, short, short.filter(({ spare }) => !spare)].map((shown) =>
    table(shown, findings.servers.map((server) => shown.map(({ cell }) => cell(server, findings, style))), style.dim).map((line) => ` ${line}`))
  const fits = (lines: readonly string[]): boolean => lines.every((line) => width(line) <= columns)
  return tables.find(fits) ?? tables.at(-1) ?? []
}

function claimLines(claims: readonly Claim[], style: Style, columns: number): string[] {
  const { done, failed } = style.glyphs
  const before = Math.max(...claims.map(({ claim }) => width(claim))) + 6
  const room = Math.max(NARROWEST_EVIDENCE, columns - before - 1)
  const rows = claims.flatMap(({ claim, held, evidence }) => wrap(evidence, room).map((line, index) => index > 0 ? ['', '', line]
    : [held ? style.green(done) : style.red(failed), held ? claim : style.red(claim), line]))
  return table([{ title: '' }, { title: '' }, { title: '' }], rows).slice(1).map((line) => ` ${line}`)
}

function verdict(claims: readonly Claim[], style: Style): string {
  const broken = claims.filter(({ held }) => !held)
  if (broken.length === 0) return style.green(style.bold(`All ${plural(claims.length, 'claim')} held.`))
  return style.red(style.bold(`${count(broken.length)} of ${plural(claims.length, 'claim')} did not hold: ${broken.map(({ claim }) => claim).join('; ')}.`))
}
