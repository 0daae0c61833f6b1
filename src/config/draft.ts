import type { PasswordSource, TargetSessionAttrs } from '../core/driver.js'
import type { TlsOptions } from './options.js'

/** One server as a URL or an object says it, before defaults. */
export interface ServerDraft {
  /** Lower case, without the colon; undefined = the database's own engine. */
  readonly scheme?: string | undefined
  /** Addresses, or none when the text names none. */
  readonly hosts: readonly HostDraft[]
  readonly targetSessionAttrs?: TargetSessionAttrs | undefined
  readonly user?: string | undefined
  readonly password?: PasswordSource | undefined
  readonly database?: string | undefined
  readonly tls?: TlsOptions | undefined
  readonly applicationName?: string | undefined
  readonly connectTimeoutMs?: number | undefined
  readonly parameters: Readonly<Record<string, string>>
  readonly driverOptions?: Readonly<Record<string, unknown>> | undefined
  readonly name?: string | undefined
  readonly weight?: number | undefined
  readonly zone?: string | undefined
}

/** One address before the engine's default port is known. */
export interface HostDraft {
  readonly host: string
  readonly port: number | undefined
}

/** A URL scheme some driver answers to. */
export interface KnownScheme {
  /** Without the colon: `postgres`. */
  readonly scheme: string
  /** Port when the URL names none; undefined for embedded engines. */
  readonly defaultPort: number | undefined
  /** The engine lives inside this process: the URL is a file, not hosts. */
  readonly embedded: boolean
  /** Schemes of the same engine may stand in one database; default: the engine the scheme usually means. */
  readonly engine?: string | undefined
}

const USUAL_ENGINE: Readonly<Record<string, string>> = { postgresql: 'postgres', mariadb: 'mysql', file: 'sqlite' }

/** The engine behind a scheme. */
export function engineOf(known: KnownScheme): string {
  return known.engine ?? USUAL_ENGINE[known.scheme] ?? known.scheme
}

const ENGINE_NAMES: Readonly<Record<string, string>> = {
  pg: 'postgres', psql: 'postgres', pgsql: 'postgres', pgx: 'postgres', pq: 'postgres', mysql2: 'mysql', sqlite3: 'sqlite',
}

/** The scheme other tools' names for an engine or its client mean: `sqlite3`, `pgx`. */
export function schemeNamed(name: string): string {
  const plain = name.trim().toLowerCase()
  return ENGINE_NAMES[plain] ?? plain
}

/** Whether two schemes usually mean the same engine. */
export function sameEngine(one: string, other: string): boolean {
  return (USUAL_ENGINE[one] ?? one) === (USUAL_ENGINE[other] ?? other)
}
