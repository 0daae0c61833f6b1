import type { PlanFacts } from '../../core/dialect.js'

/** The fields of a plan node (EXPLAIN's JSON form) that are read. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Filter'?: string
  readonly 'Index Cond'?: string
  readonly 'Join Filter'?: string
  readonly 'Sort Key'?: readonly string[]
  readonly 'Sort Space Type'?: string
  readonly 'Sort Space Used'?: number
  readonly 'Hash Batches'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Total Cost'?: number
  readonly 'Plan Rows'?: number
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Actual Total Time'?: number
  readonly 'Plans'?: readonly PlanNode[]
}

interface Explained {
  readonly Plan: PlanNode
  readonly 'Execution Time'?: number
}

/** Reads the answer to `EXPLAIN (FORMAT JSON)`: the plan as a tree of lines, and what it suggests. */
export function readPlan(rows: readonly Record<string, unknown>[]): PlanFacts {
  const plan = jsonOf(rows[0]?.['QUERY PLAN'])
  const explained: unknown = Array.isArray(plan) ? plan[0] : undefined
  if (!isExplained(explained)) return { text: '', plan, cost: undefined, executionMs: undefined, advice: [] }
  const nodes = flatten(explained.Plan, 0)
  return {
    text: nodes.map(({ node, depth }) => lineOf(node, depth)).join('\n'),
    plan,
    cost: explained.Plan['Total Cost'],
    executionMs: explained['Execution Time'],
    advice: [...new Set(nodes.flatMap(({ node }) => adviceOn(node)))],
  }
}

/** A caller's own type parsers may have left the JSON as text. */
function jsonOf(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) as unknown : value
}

function isExplained(value: unknown): value is Explained {
  return typeof value === 'object' && value !== null && 'Plan' in value
}

function flatten(node: PlanNode, depth: number): { node: PlanNode; depth: number }[] {
  return [{ node, depth }, ...(node.Plans ?? []).flatMap((child) => flatten(child, depth + 1))]
}

function lineOf(node: PlanNode, depth: number): string {
  const on = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`
  const using = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`
  const estimate = `cost=${String(node['Total Cost'] ?? '?')} rows=${String(node['Plan Rows'] ?? '?')}`
  const actual = node['Actual Rows'] === undefined ? '' : `; actual rows=${String(node['Actual Rows'])}`
    + ` loops=${String(node['Actual Loops'] ?? 1)} time=${String(node['Actual Total Time'] ?? '?')} ms`
  const condition = node['Index Cond'] ?? node.Filter ?? node['Join Filter']
  const arrow = depth === 0 ? '' : `${'  '.repeat(depth)}-> `
  return `${arrow}${node['Node Type']}${using}${on} (${estimate}${actual})${condition === undefined ? '' : ` ${condition}`}`
}

/** Reading so many rows to keep few of them is what an index is for. */
const MANY_ROWS = 10_000
/** Estimates off by this factor lead the planner to wrong joins. */
const BAD_ESTIMATE = 100

function adviceOn(node: PlanNode): string[] {
  const advice: string[] = []
  const table = node['Relation Name']
  if (table !== undefined) advice.push(...adviceOnScan(node, table))
  if (node['Sort Space Type'] === 'Disk') {
    advice.push(`the sort by ${(node['Sort Key'] ?? []).join(', ')} spilled ${String(node['Sort Space Used'])} kB to disk: `
      + 'an index in that order avoids it, or raise work_mem')
  }
  if ((node['Hash Batches'] ?? 1) > 1) {
    advice.push(`a hash was split into ${String(node['Hash Batches'])} batches on disk: raise work_mem, or join fewer rows`)
  }
  return advice
}

function adviceOnScan(node: PlanNode, table: string): string[] {
  const advice: string[] = []
  const loops = node['Actual Loops'] ?? 1
  const removed = (node['Rows Removed by Filter'] ?? 0) * loops
  const kept = (node['Actual Rows'] ?? 0) * loops
  if (removed >= MANY_ROWS && removed > 10 * kept) {
    advice.push(`${table}: ${String(removed)} rows were read and thrown away by ${String(node.Filter)}: `
      + 'an index on the columns of that condition would find the rows directly')
  }
  const { 'Plan Rows': planned, 'Actual Rows': actual } = node
  if (planned !== undefined && actual !== undefined && ratio(planned, actual) >= BAD_ESTIMATE) {
    advice.push(`${table}: ${String(planned)} rows were expected and ${String(actual)} came: run ANALYZE ${table}`)
  }
  return advice
}

function ratio(one: number, other: number): number {
  return Math.max(one, other, 1) / Math.max(Math.min(one, other), 1)
}
