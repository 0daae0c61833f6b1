import type { DriverResult } from '../../core/result.js'
import type { TypeSettings } from '../../core/settings.js'
import type { Answer, Answered, Column, OkPacket } from './client.js'
import { applyTypes, fieldsOf, insertIdOf } from './types.js'

type Bigint = TypeSettings['bigint']

/**
 * Reads what `mysql2` gives. Where a procedure gave several results, the last rows are the answer, as a face of one
 * statement.
 */
export function answerOf<Row>(
  answer: Answer | undefined, columns: Parameters<Answered>[2], verb: string, bigint: Bigint, told?: (ok: OkPacket) => void,
): DriverResult<Row> {
  if (answer === undefined) return { rows: [], rowCount: 0, fields: [], command: verb }
  if (!isList(answer)) {
    told?.(answer)
    return done<Row>(answer, verb, bigint)
  }
  if (isOneResult(columns)) return rowsOf<Row>(answer, columns, verb, bigint)
  return severalOf<Row>(answer as readonly Answer[], columns as readonly (readonly Column[] | undefined)[], verb, bigint, told)
}

function done<Row>(ok: OkPacket, verb: string, bigint: Bigint): DriverResult<Row> {
  return {
    rows: [], rowCount: Number(ok.affectedRows), fields: [], command: verb, insertId: insertIdOf(ok.insertId, bigint), position: positionOf(ok),
  }
}

/** What was committed: MySQL tells all transactions of a statement, MariaDB the last one, which comes after the others. */
function positionOf({ stateChanges }: OkPacket): string | undefined {
  const gtids = stateChanges?.gtids.join(',') ?? ''
  const last = gtids === '' ? stateChanges?.systemVariables['last_gtid'] : gtids
  return last === '' ? undefined : last
}

function rowsOf<Row>(rows: readonly unknown[], columns: readonly Column[], verb: string, bigint: Bigint): DriverResult<Row> {
  applyTypes(rows, columns, bigint)
  return { rows: rows as Row[], rowCount: rows.length, fields: fieldsOf(columns), command: QUERIES.has(verb) ? 'SELECT' : verb }
}

function severalOf<Row>(
  answers: readonly Answer[], columns: readonly (readonly Column[] | undefined)[], verb: string, bigint: Bigint, told: ((ok: OkPacket) => void) | undefined,
): DriverResult<Row> {
  let last: DriverResult<Row> | undefined
  answers.forEach((answer, index) => {
    if (isList(answer)) last = rowsOf<Row>(answer, columns[index] ?? [], verb, bigint)
    else {
      told?.(answer)
      last ??= done<Row>(answer, verb, bigint)
    }
  })
  return last ?? { rows: [], rowCount: 0, fields: [], command: verb }
}

/** What gives rows under these verbs is a query. */
const QUERIES: ReadonlySet<string> = new Set(['WITH', 'VALUES', 'TABLE'])

function isList(answer: Answer): answer is readonly unknown[] {
  return Array.isArray(answer)
}

function isOneResult(columns: Parameters<Answered>[2]): columns is readonly Column[] {
  return columns?.every((column) => column !== undefined && !Array.isArray(column)) ?? false
}
