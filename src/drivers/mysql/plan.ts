import type { PlanFacts } from '../../core/dialect.js'

/**
 * Reads the answer to `EXPLAIN FORMAT = JSON`, or the tree of `EXPLAIN ANALYZE`. There are three forms: MariaDB's and older
 * MySQL's blocks with tables in them, operations within operations since MySQL 9, and the tree, which is text.
 */
export function readPlan(rows: readonly Record<string, unknown>[]): PlanFacts {
  const answer = Object.values(rows[0] ?? {})[0]
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer ?? null, undefined, 2)
  const plan = typeof answer === 'string' ? jsonIn(answer) : answer
  const parts = objectsIn(plan)
  const scans = typeof plan === 'string' ? scansInTree(plan) : parts.flatMap(scanOf)
  return {
    text, plan,
    cost: costOf(parts, text),
    executionMs: measuredMs(parts, text),
    advice: [...new Set([...scans.flatMap(adviceOn), ...sortsIn(parts, plan)])],
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text // the tree of EXPLAIN ANALYZE
  }
}

/** Every object in a plan, the outer ones first. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (typeof value !== 'object' || value === null) return []
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(objectsIn)]
}

/** A table that is read from end to end. */
interface Scan {
  readonly table: string
  /** As the server estimates them. */
  readonly rows: number
  /** undefined = the plan does not say. */
  readonly indexFits: boolean | undefined
}

function scanOf(part: Record<string, unknown>): Scan[] {
  const { table_name: table, access_type: access } = part
  if (typeof table !== 'string') return []
  if (access === 'table') return [{ table, rows: Number(part['estimated_rows'] ?? 0), indexFits: undefined }]
  if (access !== 'ALL') return []
  return [{ table, rows: Number(part['rows_examined_per_scan'] ?? part['rows'] ?? 0), indexFits: part['possible_keys'] !== undefined }]
}

function scansInTree(tree: string): Scan[] {
  return [...tree.matchAll(/-> Table scan on (\S+) +\(cost=[^)]*rows=([\d.e+]+)\)/g)]
    .map(([, table = '', rows]) => ({ table, rows: Number(rows), indexFits: undefined }))
}

/** Fewer rows are read faster without an index. */
const MANY_ROWS = 1_000

function adviceOn({ table, rows, indexFits }: Scan): string[] {
  if (rows < MANY_ROWS) return []
  const unused = indexFits === undefined ? 'no index is used' : indexFits ? 'an index fits and is not used' : 'no index fits'
  return [`${table} is read as a whole (about ${String(Math.round(rows))} rows): ${unused}; look at the columns of WHERE and JOIN`]
}

function sortsIn(parts: readonly Record<string, unknown>[], plan: unknown): string[] {
  const sorts = typeof plan === 'string' ? /-> Sort(?: row IDs)?: /.test(plan)
    : parts.some((each) => each['using_filesort'] === true || 'filesort' in each || each['access_type'] === 'sort')
  return sorts ? ['rows are sorted after they were read: an index in the order of ORDER BY would spare that'] : []
}

function costOf(parts: readonly Record<string, unknown>[], text: string): number | undefined {
  for (const each of parts) {
    const info = each['cost_info'] as { query_cost?: unknown } | undefined
    const cost = Number(info?.query_cost ?? each['estimated_total_cost'] ?? each['cost'] ?? Number.NaN)
    if (Number.isFinite(cost)) return cost
  }
  const ofTree = /^-> .*?\(cost=(?:[\d.e+]+\.\.)?([\d.e+]+) /.exec(text)?.[1]
  return ofTree === undefined ? undefined : Number(ofTree)
}

/** `r_total_time_ms` of MariaDB's outermost block, `(actual time=0.02..1.25 rows=…)` of the tree's root. */
function measuredMs(parts: readonly Record<string, unknown>[], text: string): number | undefined {
  const block = parts.map((each) => each['query_block']).find((each) => each !== undefined)
  const measured = objectsIn(block).map((each) => each['r_total_time_ms']).find((each) => typeof each === 'number')
  if (measured !== undefined) return measured
  const tree = /\(actual time=[\d.e+-]+\.\.([\d.e+-]+)/.exec(text)?.[1]
  return tree === undefined ? undefined : Number(tree)
}
