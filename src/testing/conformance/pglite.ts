import { postgresConformance } from './postgres.js'
import type { ConformanceSql } from './target.js'

/** PGlite's SQL for the driver conformance cases: PostgreSQL's, without other sessions. */
export const pgliteConformance: ConformanceSql = {
  ...postgresConformance,
  sleep: undefined,
  terminate: undefined,
  lockTimeout: undefined,
  preparedCount: undefined,
}
