import { UnknownEngineError } from '../../core/errors.js'
import type { RouteExplanation } from '../../database/bound.js'
import { Database } from '../../facade/database.js'
import { flagOption, textOption } from '../values.js'
import type { Invocation } from '../command.js'
import { EXIT, UsageError } from '../exit.js'
import { print, type Output } from '../output.js'
import { table } from '../table.js'

/** `sluice explain-route <sql>`: where a statement would run on a primary with replicas, and why. Opens no connection. */
export async function explainRoute(invocation: Invocation, output: Output): Promise<number> {
  const sql = invocation.values[0] ?? ''
  const explanation = await routeOf(sql, textOption(invocation, 'engine', 'postgres'))
  if (flagOption(invocation, 'json')) print(output.out, JSON.stringify(explanation, null, 2))
  else print(output.out, ...explanationTable(explanation, output.style.dim))
  return EXIT.ok
}

async function routeOf(sql: string, engine: string): Promise<Omit<RouteExplanation, 'node'>> {
  // Addresses that are never dialled; the replica is there so that a read has somewhere to go.
  const db = databaseOf(engine)
  try {
    const { class: kind, role, route, why } = db.explainRoute(sql)
    return { class: kind, role, route, why }
  } finally {
    await db.close({ drainMs: 0 })
  }
}

function databaseOf(engine: string): Database {
  try {
    return new Database({ primary: `${engine}://primary.invalid/x`, replicas: [`${engine}://replica.invalid/x`] })
  } catch (error) {
    if (error instanceof UnknownEngineError) throw new UsageError(`--engine: ${error.message}`)
    throw error
  }
}

function explanationTable({ class: kind, role, route, why }: Omit<RouteExplanation, 'node'>, dim: (text: string) => string): string[] {
  return table([{ title: 'CLASS' }, { title: 'ROLE' }, { title: 'ROUTE' }, { title: 'WHY' }], [[kind, role, route, why]], dim)
}
