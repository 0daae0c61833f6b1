import type { PlanFacts } from '../../core/dialect.js'

/** Reads the answer to `EXPLAIN FORMAT = JSON`, or the tree of `EXPLAIN ANALYZE`. */
export function readPlan(rows: readonly Record<string, unknown>[]): PlanFacts {
  const answer = Object.values(rows[0] ?? {})[0]
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer ?? null, undefined, 2)
  const plan = typeof answer === 'string' ? jsonIn(answer) : answer
  const tables = tablesOf(plan)
  return {
    text, plan,
    cost: costOf(plan),
    executionMs: measuredMs(plan, text),
    advice: [...new Set([...tables.flatMap(adviceOn), ...sortsIn(plan)])],
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text // the tree of EXPLAIN ANALYZE
  }
}

/** Fields of a table in a plan, MySQL's and MariaDB's. */
interface PlanTable {
  readonly table_name: string
  readonly access_type?: unknown
  readonly rows?: unknown
  readonly rows_examined_per_scan?: unknown
  readonly possible_keys?: unknown
}

function tablesOf(plan: unknown): PlanTable[] {
  return objectsIn(plan).filter((each): each is Record<string, unknown> & PlanTable => typeof each['table_name'] === 'string')
}

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (typeof value !== 'object' || value === null) return []
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(objectsIn)]
}

/** Fewer rows are read faster without an index. */
const MANY_ROWS = 1_000

function adviceOn(table: PlanTable): string[] {
  const rows = Number(table.rows_examined_per_scan ?? table.rows ?? 0)
  if (table.access_type !== 'ALL' || rows < MANY_ROWS) return []
  const unused = table.possible_keys === undefined ? 'no index fits' : 'an index fits and is not used'
  return [`${table.table_name} is read as a whole (about ${String(rows)} rows): ${unused}; look at the columns of WHERE and JOIN`]
}

function sortsIn(plan: unknown): string[] {
  const sorts = objectsIn(plan).some((each) => each['using_filesort'] === true || 'filesort' in each)
  return sorts ? ['rows are sorted after they were read: an index in the order of ORDER BY would spare that'] : []
}

function costOf(plan: unknown): number | undefined {
  for (const each of objectsIn(plan)) {
    const info = each['cost_info'] as { query_cost?: unknown } | undefined
    const cost = Number(info?.query_cost ?? each['cost'] ?? Number.NaN)
    if (Number.isFinite(cost)) return cost
  }
  return undefined
}

/** `(actual time=0.02..1.25 rows=…)` of the tree's root, `r_total_time_ms` of MariaDB. */
function measuredMs(plan: unknown, text: string): number | undefined {
  const measured = objectsIn(plan).map((each) => each['r_total_time_ms']).find((each) => typeof each === 'number')
  if (measured !== undefined) return measured
  const tree = /\(actual time=[\d.e+]+\.\.([\d.e+]+)/.exec(text)?.[1]
  return tree === undefined ? undefined : Number(tree)
}
