import { oneProblem } from '../config/problem.js'
import type { PlanFacts } from '../core/dialect.js'
import type { QueryOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { SqlInput } from '../core/statement.js'
import type { Assembly } from './assemble.js'
import { fragmentOf } from './call-check.js'
import type { Face } from './face.js'
import type { Transaction, TransactionOptions } from './transaction.js'

/** Options of `db.explain`. */
export interface ExplainOptions extends Pick<QueryOptions, 'target' | 'timeoutMs' | 'signal' | 'label'> {
  /** Run the statement and measure it. What it changes is rolled back. */
  readonly analyze?: boolean | undefined
}

/** A plan, and what it suggests. */
export interface Explanation extends PlanFacts {
  /** Server that made the plan. */
  readonly node: string
}

type Explainable = Face & { transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> }

/** Asks for a plan; a statement that is no proven read is only ever executed inside a transaction that is rolled back. */
export async function explain(
  db: Explainable, parts: Assembly, sql: SqlInput, params: readonly unknown[], options: ExplainOptions,
): Promise<Explanation> {
  const { dialect } = parts.driver
  const compiled = typeof sql === 'string' ? { text: sql, params } : fragmentOf(sql).compile(dialect)
  const { analyze = false, ...rest } = options
  const text = dialect.explain(compiled.text, analyze)
  const { class: kind, statements } = parts.classifier.classify(compiled.text)
  // the others would be executed
  if (statements !== 1) throw oneProblem('sql', 'one statement', String(statements), 'ask for the plan of each by itself')
  const harmless = !analyze || kind === 'read'
  const result = harmless ? await db.query(text, compiled.params, rest) : await undone(db, text, compiled.params, rest)
  return { ...dialect.readPlan(result.rows), node: result.node }
}

async function undone(db: Explainable, text: string, params: readonly unknown[], options: QueryOptions): Promise<QueryResult> {
  const undo = new Error('rolled back on purpose')
  let result: QueryResult | undefined
  const { timeoutMs, signal } = options
  await db.transaction(async (tx) => {
    result = await tx.query(text, params)
    throw undo
  }, { timeoutMs, signal, retries: 0 }).catch((error: unknown) => { if (error !== undo) throw error })
  if (!result) throw undo
  return result
}
