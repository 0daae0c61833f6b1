import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type mysql2 from 'mysql2'
import { load } from '../../core/load.js'
import type { TlsAttempt } from '../../core/tls.js'

/** One column of a result as `mysql2` describes it. */
export interface Column {
  readonly name: string
  /** Type code of the protocol, `0x08` = BIGINT. */
  readonly columnType: number
  readonly flags: number
  /** Digits of the fraction of a time. */
  readonly decimals: number
  /** `json` where MariaDB says that a LONGTEXT column holds JSON. */
  readonly extendedFormat?: string | undefined
}

/** The answer to a statement without rows (the protocol's OK packet). */
export interface OkPacket {
  readonly affectedRows: number | string
  readonly insertId: number | string
  readonly serverStatus: number
  readonly stateChanges?: { readonly systemVariables: Readonly<Record<string, string>>; readonly gtids: readonly string[] } | undefined
}

/** An answer: rows, an OK packet, or a list of both where a procedure gave several. */
export type Answer = OkPacket | readonly unknown[]

export type Answered = (error: Error | null, answer?: Answer, columns?: readonly (Column | undefined)[] | readonly (readonly Column[] | undefined)[]) => void

/** A text on its way, without a callback: rows come as events. */
export interface RunningQuery extends EventEmitter {
  on(event: 'result', listener: (row: Record<string, unknown> | OkPacket) => void): this
  on(event: 'fields', listener: (columns: readonly Column[] | undefined) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'end', listener: () => void): this
}

/** A `mysql2` connection, as far as this driver uses it. */
export interface Client extends EventEmitter {
  readonly threadId: number | null
  query(options: { readonly sql: string }): RunningQuery
  query(options: { readonly sql: string }, done: Answered): unknown
  execute(options: { readonly sql: string; readonly values: readonly unknown[] }, done: Answered): unknown
  unprepare(sql: string): unknown
  ping(done: (error?: Error | null) => void): void
  reset(done: (error?: Error | null) => void): void
  pause(): void
  resume(): void
  end(): EventEmitter
  destroy(): void
}

/** What the TLS start of a `mysql2` connection works on. Public fields of its class, but not in its types. */
interface Internals extends Client {
  stream: Socket
  readonly packetParser: { execute(data: Buffer): void }
  readonly config: { readonly ssl: unknown }
  _handleNetworkError(error: Error): void
  startTLS(onSecure: (error?: Error) => void): void
}

type ClientClass = new (options: { config: unknown }) => Internals

/** `mysql2`, loaded, with the class this driver makes its connections of. */
export interface Library {
  readonly module: typeof mysql2
  open(config: Readonly<Record<string, unknown>>, tls: TlsAttempt): Client
}

let library: Promise<Library> | undefined

/** Loads `mysql2` once. */
export function loadLibrary(): Promise<Library> {
  return library ??= load('mysql2', () => import('mysql2'), 'the mysql driver').then(({ default: module }) => makeLibrary(module))
}

function makeLibrary(module: typeof mysql2): Library {
  const { Connection, ConnectionConfig } = module as unknown as { Connection: ClientClass; ConnectionConfig: new (options: object) => object }
  /**
   * `mysql2` asks Node to check a certificate, but for an IP address under the name `localhost`, and without
   * `verifyIdentity` it takes any name: here TLS starts with the options of the mode, and credentials follow only when
   * they were met.
   */
  class SecuredConnection extends Connection {
    tls: TlsAttempt = false

    override startTLS(onSecure: (error?: Error) => void): void {
      const plain = this.stream
      plain.removeAllListeners('data')
      let secured = false
      const stream = connectTls({ ...(this.tls === false ? {} : this.tls), socket: plain }, () => {
        secured = true
        onSecure()
      })
      stream.on('error', (error: Error) => {
        if (secured) this._handleNetworkError(error)
        else onSecure(Object.assign(new Error(error.message, { cause: error }), { tlsCode: codeOf(error) }))
      })
      stream.on('data', (data: Buffer) => { this.packetParser.execute(data) })
      this.stream = stream
    }
  }
  return {
    module,
    open: (options, tls) => {
      const connection = new SecuredConnection({ config: new ConnectionConfig({ ...options, ...(tls === false ? {} : { ssl: {} }) }) })
      connection.tls = tls
      return connection
    },
  }
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}
