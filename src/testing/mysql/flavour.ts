import type { Account } from '../process.js'
import type { AdminQuery } from './admin.js'

/** A server program that runs here. */
export interface Programs {
  /** What is started: the server, or the loader it needs. */
  readonly file: string
  /** Arguments before the server's own. */
  readonly before: readonly string[]
  /** Where the server finds its messages and character sets, when not where it was built to. */
  readonly after: readonly string[]
  /** Makes a data folder, where that is another program's work. */
  readonly installer: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** As the server says it: `10.11.14`. */
  readonly version: string
  readonly major: number
}

/** How a replica gets to its primary. */
export interface Source {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** What differs between the engines of the family, as far as test servers are concerned. */
export interface Flavour {
  readonly engine: 'mysql' | 'mariadb'
  /** For people. */
  readonly title: string
  /** The image of a major version, or of the one taken when none is asked for. */
  image(major: number | undefined): string
  /** Server options of every node; a user's own win. */
  readonly settings: Readonly<Record<string, string>>
  /** Option that keeps a replica from being written to, in whoever's name. */
  readonly readOnly: string
  /** Environment variables that name the servers and their replicas. */
  readonly urlVariable: string
  readonly replicaUrlsVariable: string
  /** Fills an empty folder. */
  initialise(folder: string, programs: Programs, account: Account | undefined): Promise<void>
  /** Makes a fresh or stopped replica follow a source from its very first transaction on, or from where it is. */
  follow(query: AdminQuery, source: Source): Promise<void>
  stopReplica(query: AdminQuery): Promise<void>
  startReplica(query: AdminQuery): Promise<void>
  /** Receives nothing more; what was received goes on being applied. */
  stopReceiver(query: AdminQuery): Promise<void>
  stopApplier(query: AdminQuery): Promise<void>
  startApplier(query: AdminQuery): Promise<void>
  forgetSource(query: AdminQuery): Promise<void>
  /** Makes a server's history empty, as if nothing had ever been written to it. */
  forgetHistory(query: AdminQuery): Promise<void>
  setDelaySeconds(query: AdminQuery, seconds: number): Promise<void>
  /** What a replica says of itself; undefined when it follows nobody. */
  status(query: AdminQuery): Promise<ReplicaStatus | undefined>
  /** Transactions this server has, as its engine writes them. */
  executed(query: AdminQuery): Promise<string>
  /** The same in as much detail as it takes to tell whether a certain transaction is among them. */
  history(query: AdminQuery): Promise<string>
  /** How many transactions a text names. */
  count(position: string): bigint
  /** Transactions of `executed` that are not in another server's `history`; '' when none. */
  missing(query: AdminQuery, executed: string, history: string): Promise<string>
  /** Waits on the server; whether it got there in time. */
  waitFor(query: AdminQuery, position: string, seconds: number): Promise<boolean>
}

/** Replication as a replica sees it. */
export interface ReplicaStatus {
  readonly receiving: boolean
  readonly applying: boolean
  /** Transactions received, applied or not. */
  readonly received: string
  readonly delaySeconds: number
  readonly error: string
}
