import { denialCases } from './conformance/denials.js'
import { errorCases } from './conformance/errors.js'
import { limitCases } from './conformance/limits.js'
import { sessionCases } from './conformance/sessions.js'
import { statementCases } from './conformance/statements.js'
import { streamCases } from './conformance/streams.js'
import type { ConformanceCase, ConformanceTarget } from './conformance/target.js'
import { transactionCases } from './conformance/transactions.js'
import { valueCases } from './conformance/values.js'

export { mariadbConformance, mysqlConformance } from './conformance/mysql.js'
export { pgliteConformance } from './conformance/pglite.js'
export { postgresConformance } from './conformance/postgres.js'
export { sqliteConformance } from './conformance/sqlite.js'
export type { ConformanceCase, ConformanceSql, ConformanceTarget, ValueKind, ValueRoundTrip } from './conformance/target.js'

/**
 * What every driver has to do, as named cases: values, statements, errors, streams, transactions, limits, sessions. What an
 * engine cannot do its dialect's `features` deny; a denial is a case of its own, which checks that it is true. The cases
 * share tables: run them one after the other.
 *
 * @example
 * for (const { name, run } of driverConformance({ driver, settings, sql: postgresConformance, refused: [] })) test(name, run)
 */
export function driverConformance(target: ConformanceTarget): readonly ConformanceCase[] {
  const { features } = target.driver.dialect
  return [
    ...valueCases(target),
    ...statementCases(target),
    ...errorCases(target),
    ...(features.streaming ? streamCases(target) : []),
    ...transactionCases(target),
    ...(features.cancel ? limitCases(target) : []),
    ...sessionCases(target),
    ...denialCases(target),
  ]
}
