import { SluiceError, type SluiceErrorOptions } from './errors.js'

/** `one` found no row. */
export class NoRowsError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_NO_ROWS', message, options) }
}

/** `one`, `maybeOne` or `value` found more than one row. */
export class TooManyRowsError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_TOO_MANY_ROWS', message, options) }
}

/** Options of a {@link SchemaError}. */
export interface SchemaErrorOptions extends SluiceErrorOptions {
  readonly row: number
  readonly path: string
  readonly fingerprint: string
}

/** A row did not fit the given schema. It names row and path, never a value. */
export class SchemaError extends SluiceError {
  /** Index of the row, from 0. */
  readonly row: number
  /** Path inside the row, `address.city`. */
  readonly path: string
  /** Fingerprint of the statement. */
  readonly fingerprint: string
  constructor(message: string, options: SchemaErrorOptions) {
    super('SLUICE_SCHEMA', message, options)
    this.row = options.row
    this.path = options.path
    this.fingerprint = options.fingerprint
  }
}
