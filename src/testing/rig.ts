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

/** How far a server is. */
export interface ServerPosition {
  /** The engine's own text: a log position, a set of transactions. */
  readonly text: string
  /** Compared element by element; the server with the greater one has more. */
  readonly rank: readonly bigint[]
}

/** What an engine's servers are told and asked as superuser. */
export interface Steering {
  /** What was written (primary) or received (replica), whichever this server can say. */
  position(server: RigServer): Promise<ServerPosition>
  /** Waits until a replica has replayed everything up to `text`. @throws TestClusterError naming it when it has not in time */
  waitUntilReplayed(server: RigServer, text: string, timeoutMs: number): Promise<void>
  /** Waits until a replica receives what its primary writes. */
  waitUntilStreaming(server: RigServer): Promise<void>
  /** Not a replica, and not read-only for another reason. */
  isWritable(server: RigServer): Promise<boolean>
  /** Makes a replica a primary and waits until it takes writes. */
  promote(server: RigServer): Promise<void>
  pauseReplay(server: RigServer): Promise<void>
  resumeReplay(server: RigServer): Promise<void>
  setReplayDelay(server: RigServer, ms: number): Promise<void>
  makeDatabase(server: RigServer, name: string, owner: string | undefined): Promise<void>
  /** Ends the sessions of a database and drops it; none of that name is fine too. */
  dropDatabase(server: RigServer, name: string): Promise<void>
}

/** A provider's servers, the first is the primary. */
export interface Rig {
  readonly provider: ProviderName
  readonly steering: Steering
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
