import type { Style } from '../style.js'
import { table, type Column } from '../table.js'
import { count, plural, width, wrap } from '../text.js'
import { countableReads, type Claim, type Findings } from './claims.js'

const COLUMNS: readonly Column[] = [
  { title: 'SERVER' }, { title: 'SAYS IT IS' }, { title: 'ROWS', align: 'right' }, { title: 'DIFFERENT IDS', align: 'right' },
  { title: 'BALANCE', align: 'right' }, { title: 'READS IT COUNTED', align: 'right' }, { title: 'WE COUNTED', align: 'right' },
  { title: 'ROWS IT CHANGED', align: 'right' },
]

/** Beside the claims there is room for this much at least, however narrow the terminal. */
const NARROWEST_EVIDENCE = 30

/** What the servers say, and what follows from it, in lines of at most `columns`. */
export function summaryLines(findings: Findings, claims: readonly Claim[], style: Style, columns = Infinity): string[] {
  const { servers, kill } = findings
  const rows = servers.map(({ name, replica, rows: held, distinctIds, balance, reads, changes }) => [
    style.bold(name), replica ? 'replica' : 'primary', count(held), count(distinctIds), count(balance), count(reads),
    count(countableReads(findings, name)), count(changes),
  ])
  const notes = [
    'Reads are counted as scans of the tables that only the reads look into: probes, pings and writes do not touch them.',
    ...kill === undefined ? [] : [
      `What ${kill.victim} says it counted is since its return: its counters died with it. Before, we had counted ${count(kill.readsBefore)} reads there.`,
    ],
  ]
  return [
    '',
    ` ${style.bold('What the servers say')}, each asked alone after the load had ended:`,
    ...table(COLUMNS, rows, style.dim).map((line) => ` ${line}`),
    ...notes.flatMap((note) => wrap(note, columns - 2)).map((line) => ` ${style.dim(line)}`),
    '',
    ...claimLines(claims, style, columns),
    '',
    ` ${verdict(claims, style)}`,
  ]
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
