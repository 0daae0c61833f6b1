import { IdempotencyKeyError } from '../core/errors.js'

/** Bytes of an outcome at most: a TEXT of MySQL takes one less than 64 KiB. */
const MAX_BYTES = 65_535

/**
 * What work returned, as it is stored beside its key. `undefined` stays that.
 *
 * @throws {@link IdempotencyKeyError} it is not JSON, or too long; the transaction is rolled back
 */
export function outcomeText(value: unknown, node: string): string | undefined {
  if (value === undefined) return undefined
  const text = json(value, node)
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_BYTES) return text
  throw unfit(`${String(bytes)} bytes as JSON, and at most ${String(MAX_BYTES)} are stored`, node)
}

/** The stored text read back: also the first caller gets what the later ones will get. */
export function outcomeOf<T>(stored: unknown): T {
  return (typeof stored === 'string' ? JSON.parse(stored) : undefined) as T
}

/** What it is for a function or a symbol: its declared type leaves that out. */
const stringify: (value: unknown) => string | undefined = JSON.stringify

function json(value: unknown, node: string): string {
  let text: string | undefined
  try {
    text = stringify(value)
  } catch (cause) {
    throw unfit('no JSON (a bigint, or an object that holds itself)', node, cause)
  }
  if (text === undefined) throw unfit(`a ${typeof value}, which is no JSON`, node)
  return text
}

function unfit(got: string, node: string, cause?: unknown): IdempotencyKeyError {
  return new IdempotencyKeyError(`what a transaction with an idempotency key returned cannot be stored: ${got}; it was rolled back`, {
    node, cause, hint: 'return only what a repeated call needs: texts, numbers, plain objects, or nothing',
  })
}
