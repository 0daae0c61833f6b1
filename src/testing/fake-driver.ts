import type { Dialect, NodeFacts } from '../core/dialect.js'
import type { Connection, ConnectSettings, Driver } from '../core/driver.js'
import type { ErrorFacts, ErrorKind } from '../core/error-facts.js'
import type { DriverResult } from '../core/result.js'
import { statement as makeStatement, type Statement } from '../core/statement.js'
import { postgresDialect } from '../drivers/postgres/dialect.js'

/** An error of the fake server, with its explanation. */
export class FakeServerError extends Error {
  readonly facts: ErrorFacts
  constructor(facts: ErrorFacts) {
    super(facts.message)
    this.name = 'FakeServerError'
    this.facts = facts
  }
}

const LOST: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['lost', 'shutting-down'])
const PASSING: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'refused', 'connect-timeout', 'lost', 'starting', 'shutting-down', 'too-many-connections', 'host-unknown', 'deadlock', 'serialization', 'lock-timeout',
])

/** An error as a server or a socket would give it. */
export function fakeError(kind: ErrorKind, message: string = kind): FakeServerError {
  return new FakeServerError({ kind, serverCode: undefined, message, connectionLost: LOST.has(kind), transient: PASSING.has(kind) })
}

/** A result with these rows. */
export function fakeResult<Row = Record<string, unknown>>(rows: Row[] = [], command = 'SELECT'): DriverResult<Row> {
  return { rows, rowCount: rows.length, fields: [], command }
}

/** Answers one statement: returns (or resolves to) a result, or throws. */
export type FakeResponder = (statement: Statement, connection: FakeConnection) => DriverResult | Promise<DriverResult>

/**
 * What a cancel request does: `works` ends the running statement; `ignored` is taken and has no effect; `fails` cannot
 * be delivered; `hangs` never answers; `late` is taken, and hits whatever runs the next time `hitLate` is called.
 */
export type FakeCancel = 'works' | 'ignored' | 'fails' | 'hangs' | 'late'

const NODE_PROBE = 'fake: node'

/**
 * An in-memory server for tests: no sockets, every fault at the tester's command. Statements answer with no rows unless
 * {@link FakeServer.respond} says otherwise; `BEGIN`, `COMMIT` and `ROLLBACK` move the connection in and out of a
 * transaction.
 *
 * @example
 * const server = new FakeServer()
 * server.respond('select 1', () => fakeResult([{ one: 1 }]))
 * const pool = new Pool(settings, { connect: () => server.connect(), … })
 */
export class FakeServer {
  /** What the node says of itself. */
  facts: NodeFacts = { role: 'primary', position: '0/1', lagMs: undefined, timeline: 1, systemId: 'fake' }
  cancelling: FakeCancel = 'works'
  /** `answers`, `fails` (the connection is dead), or `hangs`. */
  pinging: 'answers' | 'fails' | 'hangs' = 'answers'
  /** When set, connecting waits for this promise. */
  connectGate: Promise<void> | undefined
  /** While set, connecting fails with it. */
  connectError: Error | undefined
  /** Farewells wait for this promise. */
  closeGate: Promise<void> | undefined
  /** Attempts to connect, ever. */
  connectAttempts = 0
  /** Attempts to connect under way at once, at most. */
  peakConnecting = 0
  /** Open connections at once, at most. */
  peakOpen = 0
  /** Statements two callers sent on one connection at once: must stay 0. */
  overlaps = 0
  /** Every connection ever opened, in order. */
  readonly connections: FakeConnection[] = []
  /** Texts received, in order. */
  readonly received: string[] = []
  readonly driver: Driver
  readonly #responders: { readonly pattern: string | RegExp; readonly respond: FakeResponder }[] = []
  #connecting = 0

  constructor(dialect: Partial<Dialect> = {}) {
    const node = { statement: makeStatement(NODE_PROBE), read: (): NodeFacts => this.facts }
    this.driver = {
      dialect: {
        ...postgresDialect, engine: 'fake', defaultPort: undefined, positions: undefined,
        probes: { node, distance: undefined, transactionId: undefined, transactionFate: undefined },
        describeError: explainFake, ...dialect,
      },
      connect: (_settings: ConnectSettings, signal?: AbortSignal) => this.connect(signal),
    }
  }

  /** Connections now open. */
  get open(): readonly FakeConnection[] { return this.connections.filter((connection) => !connection.broken) }

  /** From now on statements with this text (or matching this pattern) are answered so; the newest rule wins. */
  respond(pattern: string | RegExp, respond: FakeResponder): void {
    this.#responders.unshift({ pattern, respond })
  }

  /** Opens one connection, as the settings above say. */
  async connect(signal?: AbortSignal): Promise<FakeConnection> {
    this.connectAttempts++
    this.peakConnecting = Math.max(this.peakConnecting, ++this.#connecting)
    try {
      await (this.connectGate && orAborted(this.connectGate, signal))
      if (this.connectError) throw this.connectError
      if (signal?.aborted) throw fakeError('other', 'connecting was aborted')
    } finally {
      this.#connecting--
    }
    const connection = new FakeConnection(this, this.connections.length + 1)
    this.connections.push(connection)
    this.peakOpen = Math.max(this.peakOpen, this.open.length)
    return connection
  }

  /** Breaks every open connection, as a server that goes away does. */
  crash(): void {
    for (const connection of this.open) connection.break()
  }

  /** @internal */
  answer(statement: Statement, connection: FakeConnection): DriverResult | Promise<DriverResult> {
    const { text } = statement
    this.received.push(text)
    const rule = this.#responders.find(({ pattern }) => typeof pattern === 'string' ? pattern === text : pattern.test(text))
    return rule ? rule.respond(statement, connection) : fakeResult([], text.trim().split(/\W/, 1)[0]?.toUpperCase())
  }
}

/** One connection of a {@link FakeServer}. */
export class FakeConnection implements Connection {
  readonly id: number
  readonly server = { version: '1.0', versionNumber: 10_000, address: undefined, pooled: false }
  /** Cancel requests received. */
  cancels = 0
  pings = 0
  resets = 0
  /** How it was ended: politely or not. */
  ended: 'closed' | 'destroyed' | 'broken' | undefined = undefined
  idle = true
  pipelined = false
  #turn: Promise<unknown> = Promise.resolve()
  readonly #server: FakeServer
  #inFlight = 0
  #running: ((error: Error) => void) | undefined

  constructor(server: FakeServer, id: number) {
    this.#server = server
    this.id = id
  }

  get broken(): boolean { return this.ended !== undefined }
  get inFlight(): number { return this.#inFlight }

  /** Whether statements may be sent while others are under way; they are answered in turn. */
  pipeline(on: boolean): void { this.pipelined = on }

  query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    if (!this.pipelined) return this.#run<Row>(statement)
    const answer = this.#turn.then(() => this.#run<Row>(statement))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  async #run<Row>(statement: Statement): Promise<DriverResult<Row>> {
    this.#refuseWhenBroken()
    if (this.#inFlight++ > 0) this.#server.overlaps++
    try {
      const interrupted = new Promise<never>((_, reject) => { this.#running = reject })
      const result = await Promise.race([this.#server.answer(statement, this), interrupted])
      this.#followTransaction(statement.text)
      return result as DriverResult<Row>
    } finally {
      this.#inFlight--
      this.#running = undefined
    }
  }

  async *stream<Row = Record<string, unknown>>(statement: Statement, options: { readonly batchSize: number }): AsyncGenerator<Row[], void, undefined> {
    const { rows } = await this.query<Row>(statement)
    this.#inFlight++
    try {
      for (let start = 0; start < rows.length; start += options.batchSize) yield rows.slice(start, start + options.batchSize)
    } finally {
      this.#inFlight--
    }
  }

  async cancel(): Promise<void> {
    this.cancels++
    const { cancelling } = this.#server
    if (cancelling === 'fails') throw fakeError('refused', 'the cancel request was not delivered')
    if (cancelling === 'hangs') await forever()
    if (cancelling === 'works') this.hitLate()
  }

  /** A cancel arrives: it ends what runs now, whatever that is. */
  hitLate(): void {
    this.#running?.(fakeError('cancelled', 'canceling statement due to user request'))
  }

  async reset(): Promise<void> {
    this.#refuseWhenBroken()
    await Promise.resolve()
    this.resets++
    this.idle = true
  }

  async ping(): Promise<void> {
    this.#refuseWhenBroken()
    this.pings++
    const { pinging } = this.#server
    if (pinging === 'hangs') await forever()
    if (pinging === 'fails') this.break()
    this.#refuseWhenBroken()
  }

  async close(): Promise<void> {
    await this.#server.closeGate
    this.#end('closed')
  }

  destroy(): void {
    this.#end('destroyed')
  }

  /** The server, or the network, ends this connection. */
  break(): void {
    this.#end('broken')
  }

  #end(how: 'closed' | 'destroyed' | 'broken'): void {
    this.ended ??= how
    this.#running?.(fakeError('lost', 'Connection terminated unexpectedly'))
  }

  #refuseWhenBroken(): void {
    if (this.broken) throw fakeError('lost', 'the connection is no longer usable')
  }

  #followTransaction(text: string): void {
    if (/^\s*(begin|start transaction)\b/i.test(text)) this.idle = false
    if (/^\s*(commit|rollback|end)\b(?!\s+to\b)/i.test(text)) this.idle = true
  }
}

/** A responder for a statement that never ends by itself: only a cancel or the connection's end ends it. */
export const hang: FakeResponder = () => forever()

function forever(): Promise<never> {
  return new Promise(() => { /* by design */ })
}

function explainFake(cause: unknown): ErrorFacts {
  if (cause instanceof FakeServerError) return cause.facts
  const message = cause instanceof Error ? cause.message : String(cause)
  return { kind: 'other', serverCode: undefined, message, connectionLost: false, transient: false }
}

async function orAborted(gate: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return gate
  await Promise.race([gate, new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => { reject(fakeError('other', 'connecting was aborted')) }, { once: true })
  })])
}
