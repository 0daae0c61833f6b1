/**
 * What travels to a server: one SQL text with its parameter values.
 *
 * The shape is always the same fields so that the hot path stays monomorphic.
 */
export interface Statement {
  /** SQL text in the engine's own placeholder style (`$1` or `?`). */
  readonly text: string
  /** Parameter values, in placeholder order. Never printed, logged or put into an error. */
  readonly params: readonly unknown[]
  /**
   * Whether it runs as a server-side prepared statement; undefined = the driver decides, by how often it is used. Behind a
   * transaction pooler nothing is prepared.
   */
  readonly prepare: boolean | undefined
  /** The caller's name for this statement (`'users.active'`), for logs and metrics. */
  readonly name: string | undefined
  /** Bulk data: what the statement is to read from this process, or `'out'` where it is to hand its data out as it comes. */
  readonly data?: DataSource | 'out' | undefined
}

/** Bulk data in the format that the statement names: chunks of text or bytes, cut anywhere. A `Readable` is one. */
export type DataSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** Makes a {@link Statement}; the one place where its shape is decided. */
export function statement(
  text: string, params: readonly unknown[] = NO_PARAMS, prepare?: boolean, name?: string, data?: DataSource | 'out',
): Statement {
  return { text, params, prepare, name, data }
}

/** Shared by every statement without parameters. */
export const NO_PARAMS: readonly unknown[] = Object.freeze([])

/** The parts of a dialect that a SQL fragment needs to become text. */
export interface SqlRenderer {
  placeholder(position: number): string
  quoteIdentifier(name: string): string
}

/** A composed piece of SQL (the `sql` tag makes one); anything with this method is accepted where SQL is expected. */
export interface SqlFragment {
  /** Renders the fragment for one engine. */
  compile(renderer: SqlRenderer): { readonly text: string; readonly params: readonly unknown[] }
}

/** SQL as a caller gives it: plain text, or a fragment made by the `sql` tag. */
export type SqlInput = string | SqlFragment
