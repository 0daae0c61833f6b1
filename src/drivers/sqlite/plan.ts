import type { PlanFacts } from '../../core/dialect.js'

interface Step { readonly id: number; readonly parent: number; readonly detail: string; readonly steps: Step[] }

/** Reads EXPLAIN QUERY PLAN: a tree of steps, without costs or times. */
export function readPlan(rows: readonly Record<string, unknown>[]): PlanFacts {
  const steps = rows.map((row): Step => ({ id: Number(row['id']), parent: Number(row['parent']), detail: textOf(row['detail']), steps: [] }))
  const byId = new Map(steps.map((step) => [step.id, step]))
  const roots = steps.filter((step) => !byId.has(step.parent))
  for (const step of steps) byId.get(step.parent)?.steps.push(step)
  return {
    text: roots.flatMap((step) => lines(step, 0)).join('\n'), plan: roots, cost: undefined, executionMs: undefined,
    advice: [...new Set(steps.flatMap(advise))],
  }
}

function lines(step: Step, depth: number): string[] {
  return [`${'  '.repeat(depth)}${step.detail}`, ...step.steps.flatMap((each) => lines(each, depth + 1))]
}

function advise({ detail }: Step): string[] {
  const scanned = /^SCAN (?:TABLE )?(\S+)$/.exec(detail)?.[1]
  if (scanned !== undefined && !/^(CONSTANT|\d+)$/.test(scanned)) {
    return [`every row of ${scanned} is read: an index on the columns of the condition would find them`]
  }
  if (detail.includes('USE TEMP B-TREE FOR ORDER BY')) return ['the rows are sorted after they are found: an index in that order would give them sorted']
  if (detail.includes('AUTOMATIC')) return ['SQLite builds an index for this one statement: create it for good']
  return []
}

function textOf(value: unknown): string { return typeof value === 'string' ? value : '' }
