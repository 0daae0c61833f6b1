import { errorCases } from './conformance/errors.js'
import { sessionCases } from './conformance/sessions.js'
import { statementCases } from './conformance/statements.js'
import { streamCases } from './conformance/streams.js'
import type { ConformanceCase, ConformanceTarget } from './conformance/target.js'
import { valueCases } from './conformance/values.js'

export { postgresConformance } from './conformance/postgres.js'
export type { ConformanceCase, ConformanceSql, ConformanceTarget, ValueRoundTrip } from './conformance/target.js'

/**
 * What every driver has to do, as named cases. Cases of a capability that the dialect's `features` deny are left out.
 * The cases share tables: run them one after the other.
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
    ...sessionCases(target),
  ]
}
