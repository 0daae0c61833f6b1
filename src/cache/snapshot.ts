import type { QueryResult } from '../core/result.js'

/** A result kept for others: nobody has a hand on its rows. */
export interface Snapshot {
  readonly result: QueryResult<unknown>
  /** Every row is a flat object of plain values: copied by one spread. */
  readonly flat: boolean
  /** Estimated size. */
  readonly bytes: number
  /** Holds instances of classes, which only memory can keep. */
  readonly instances: boolean
}

/** What copying has found out. */
interface Tally {
  bytes: number
  flat: boolean
  instances: boolean
}

const ENTRY_BYTES = 400
const OBJECT_BYTES = 40
const SLOT_BYTES = 8

/** A copy of a result for keeping. The original stays the first caller's. */
export function snapshotOf(result: QueryResult<unknown>): Snapshot {
  const tally: Tally = { bytes: ENTRY_BYTES, flat: true, instances: false }
  const { rows, rowCount, fields, command, insertId, node } = result
  const kept = rows.map((row) => keptRow(row, tally))
  const shared = Object.freeze(fields.map((field) => Object.freeze({ ...field })))
  return {
    result: { rows: kept, rowCount, fields: shared, command, insertId, node, route: 'cache', durationMs: 0, cached: true },
    ...tally,
  }
}

/** The result for one more caller, who may do with the rows what he likes. */
export function handOut<Row>({ result, flat }: Snapshot, startedAt: number): QueryResult<Row> {
  const { rows, rowCount, fields, command, insertId, node } = result
  const own = new Array<Row>(rows.length)
  for (let at = 0; at < rows.length; at++) own[at] = (flat ? { ...rows[at] as object } : copied(rows[at])) as Row
  return { rows: own, rowCount, fields, command, insertId, node, route: 'cache', durationMs: performance.now() - startedAt, cached: true }
}

function keptRow(row: unknown, tally: Tally): unknown {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || !isPlain(row)) {
    tally.flat = false
    return copied(row, tally)
  }
  tally.bytes += OBJECT_BYTES
  return ownFields({ ...row }, tally)
}

/** Fields that are plain values are the copy's own already; the others are copied. */
function ownFields(copy: Record<string, unknown>, tally: Tally | undefined): Record<string, unknown> {
  for (const name of Object.keys(copy)) {
    const value = copy[name]
    if (typeof value !== 'object' || value === null) {
      if (tally) tally.bytes += SLOT_BYTES + (typeof value === 'string' ? value.length : 0)
      continue
    }
    if (tally) tally.flat = false
    Object.defineProperty(copy, name, { value: copied(value, tally), enumerable: true, writable: true, configurable: true })
  }
  return copy
}

function copied(value: unknown, tally?: Tally): unknown {
  if (tally) tally.bytes += SLOT_BYTES
  if (typeof value === 'string') {
    if (tally) tally.bytes += value.length
    return value
  }
  if (typeof value !== 'object' || value === null) return value
  if (tally) tally.bytes += OBJECT_BYTES
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array) {
    if (tally) tally.bytes += value.byteLength
    return Buffer.isBuffer(value) ? Buffer.from(value) : value.slice()
  }
  if (Array.isArray(value)) return value.map((item) => copied(item, tally))
  return copiedObject(value, tally)
}

/** Instances (an interval, a range) stay what they are; of plain objects the fields are copied. */
function copiedObject(value: object, tally: Tally | undefined): object {
  if (isPlain(value)) return ownFields({ ...value }, tally)
  if (tally) tally.instances = true
  return Object.assign(Object.create(Object.getPrototypeOf(value) as object | null) as object, ownFields({ ...value }, tally))
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
