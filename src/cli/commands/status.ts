import type { Database } from '../../facade/database.js'
import type { NodeHealth } from '../../health/health-checker.js'
import type { Invocation } from '../command.js'
import { errorLines, EXIT } from '../exit.js'
import { withDatabase } from '../opened.js'
import { print, type Output } from '../output.js'
import { table, type Column } from '../table.js'
import { millis } from '../text.js'
import { flagOption } from '../values.js'

/** `sluice status [name]`: every node with its role, state and lag. Exit code 0 when the database can be worked with, else 1. */
export async function status(invocation: Invocation, output: Output): Promise<number> {
  return withDatabase(invocation, output, invocation.values[0], async (db, failure) => {
    const { healthy, nodes } = await db.health.check()
    const warnings = [...failure === undefined ? [] : errorLines(failure), ...warningsOf(nodes)]
    if (flagOption(invocation, 'json')) print(output.out, JSON.stringify({ healthy, engine: db.engine, nodes, warnings }, null, 2))
    else print(output.out, ...statusLines(db, healthy, nodes, warnings, output))
    return healthy ? EXIT.ok : EXIT.failed
  })
}

function statusLines(db: Database, healthy: boolean, nodes: readonly NodeHealth[], warnings: readonly string[], { style }: Output): string[] {
  const columns: Column[] = [
    { title: 'NODE' }, { title: 'ROLE' }, { title: 'STATE' }, { title: 'LAG', align: 'right' }, { title: 'ANSWERS IN', align: 'right' }, { title: 'VERSION' },
  ]
  const rows = nodes.map(({ name, role, state, lagMs, responseMs, version }) => [
    name, role, state === 'up' ? style.green(state) : style.red(state), role === 'replica' && lagMs !== undefined ? `${millis(lagMs)} ms` : '',
    state === 'up' ? `${millis(responseMs)} ms` : '', version ?? '',
  ])
  return [
    `${db.engine}: ${healthy ? style.green('healthy') : style.red('not healthy')}`, '', ...table(columns, rows, style.dim),
    ...warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `${style.yellow('warning:')} ${warning}`)],
  ]
}

function warningsOf(nodes: readonly NodeHealth[]): string[] {
  return nodes.flatMap(({ name, role, says, state, lagging, lagMs, fenced, lastError }) => [
    ...fenced === undefined ? [] : [`${name} must not be used: ${fenced}`],
    ...state === 'up' || lastError === undefined ? [] : [`${name} is ${state}: ${lastError}`],
    ...says === undefined || says === role ? [] : [`${name} is taken for a ${role} and says it is a ${says}`],
    ...lagging ? [`${name} takes no reads: it is ${millis(lagMs ?? 0)} ms behind`] : [],
  ])
}
