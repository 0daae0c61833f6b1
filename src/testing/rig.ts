import type { AdminTarget } from './admin.js'
import { TestClusterError } from './errors.js'
import type { ProviderName, ResolvedClusterOptions } from './options.js'

/** Who a URL is for: the role that owns the database, or the superuser. */
export type UrlUser = 'app' | 'superuser'

/** `fast` ends sessions and writes everything; `immediate` ends as in a crash, with recovery at the next start. */
export type StopMode = 'fast' | 'immediate'

/** What a server's processes are doing. `unknown`: the provider does not steer them. */
export type ServerState = 'running' | 'frozen' | 'stopped' | 'unknown'

/** One server as a provider hands it over. */
export interface RigServer {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly state: ServerState
  /** How the superuser reaches `database` (default: the maintenance database). */
  admin(database?: string): AdminTarget
  url(database: string, user: UrlUser): string
  stop(mode: StopMode): Promise<void>
  start(): Promise<void>
  kill(): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** From now on streams from `primary`; also valid while this server is frozen or stopped. */
  follow(primary: RigServer): Promise<void>
}

/** A provider's servers, the first is the primary. */
export interface Rig {
  readonly provider: ProviderName
  readonly version: string
  readonly database: string
  /** Role that owns databases made for tests; `undefined` = whoever creates them. */
  readonly owner: string | undefined
  readonly servers: readonly RigServer[]
  /** Certificate a client trusts the servers by, when they serve TLS. */
  readonly ca: string | undefined
  addReplica(primary: RigServer): Promise<RigServer>
  rejoin(server: RigServer, primary: RigServer): Promise<void>
  /** Rejects when this provider may not change who is primary. */
  checkPromotion(): Promise<void>
  destroy(): Promise<void>
}

/** A provider can serve here (`start`), or not: why, and what would change that. */
export type Availability =
  | { readonly start: () => Promise<Rig> }
  | { readonly reason: string, readonly remedy: string }

/** A source of servers. `find` answers within a second and changes nothing. */
export interface Provider {
  readonly name: ProviderName
  find(options: ResolvedClusterOptions): Promise<Availability>
}

/** For handles a provider does not have. */
export function unsupported(provider: ProviderName, handle: string, why: string): Promise<never> {
  return Promise.reject(new TestClusterError(`${handle} is not supported by the provider '${provider}': ${why}`, {
    hint: 'use provider local, embedded or docker',
  }))
}
