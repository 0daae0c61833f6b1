import type { Directives } from './directives.js'
import type { MigrationTransaction } from './code.js'

/** `V` versioned, `R` repeatable, `S` seed; the history also knows `B`, a baseline. */
export type MigrationKind = 'V' | 'R' | 'S'

/** SQL of one direction. */
export interface SqlScript {
  readonly kind: 'sql'
  /** Where it comes from, for people. */
  readonly path: string
  readonly text: string
  readonly directives: Directives
  /** It holds no statement: nothing but comments. */
  readonly empty: boolean
}

/** A function of one direction. */
export interface CodeScript {
  readonly kind: 'code'
  readonly path: string
  run(context: { readonly tx: MigrationTransaction }): unknown
}

export type Script = SqlScript | CodeScript

/** One migration as its files describe it. Its identity is service, kind and version; repeatable ones have a name instead. */
export interface Migration {
  readonly service: string
  readonly kind: MigrationKind
  /** 0 for repeatable ones. */
  readonly version: number
  readonly name: string
  readonly up: Script
  readonly down: Script | undefined
  /** Of the way up, by the algorithm of checksum.ts. */
  readonly checksum: string
  /** What must be applied before: `service:version`. */
  readonly requires: readonly { readonly service: string; readonly version: number }[]
  readonly irreversible: boolean
  /** It stands for all migrations of its service up to its version, which have no files any more. */
  readonly squashes: boolean
}

/** What all folders together hold, in the order it is applied. */
export interface MigrationSet {
  /** In declared order. */
  readonly services: readonly string[]
  readonly migrations: readonly Migration[]
}

/** `000003_add_email`, with its service where there are several. */
export function titleOf({ service, version, name, kind }: { service: string; version: number; name: string; kind: string }): string {
  const own = kind === 'R' || (kind === 'S' && version === 0) ? `R__${name}` : `${String(version)}_${name}`
  return service === DEFAULT_SERVICE ? own : `${service}:${own}`
}

/** The service of migrations given by `dir`. */
export const DEFAULT_SERVICE = 'default'
