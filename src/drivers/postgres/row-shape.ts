import type { Field } from '../../core/result.js'

/** One column as RowDescription tells it. */
export interface ColumnDescription {
  readonly name: string
  readonly dataTypeID: number
}

/** Finds the text parser of a type. */
export type ParserOf = (oid: number, format: 'text') => (text: string) => unknown

/** How rows of one result become objects: made once per RowDescription, and once per prepared statement. */
export class RowShape {
  readonly fields: readonly Field[]
  readonly #names: readonly string[]
  readonly #parsers: readonly ((text: string) => unknown)[]
  /** Every row begins as a copy of this, so that all of them share one hidden class. */
  readonly #template: Readonly<Record<string, unknown>>

  constructor(columns: readonly ColumnDescription[], parserOf: ParserOf) {
    this.fields = columns.map(({ name, dataTypeID }) => ({ name, dataType: dataTypeID }))
    this.#names = columns.map(({ name }) => name)
    this.#parsers = columns.map(({ dataTypeID }) => parserOf(dataTypeID, 'text'))
    // without a prototype, so that a column may be called __proto__
    const template = Object.create(null) as Record<string, unknown>
    for (const name of this.#names) template[name] = null
    this.#template = { ...template }
  }

  /** One DataRow; a later column of the same name wins. Throws what a parser throws. */
  row(values: readonly (string | null)[]): Record<string, unknown> {
    const row: Record<string, unknown> = { ...this.#template }
    const names = this.#names
    const parsers = this.#parsers
    for (let index = 0; index < values.length; index++) {
      const value = values[index]
      row[names[index] ?? ''] = value == null ? null : parsers[index]?.(value)
    }
    return row
  }
}

/** The shape of a statement without a result. */
export const NO_ROWS = new RowShape([], () => String)
