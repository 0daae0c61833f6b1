import type { ServerResponse } from 'node:http'
import { asError } from '../core/deadline.js'
import { StreamedReplyError, TransactionClosedError } from '../core/errors.js'
import type { RequestTransaction } from './request-transaction.js'

/** What a gate asks of whoever set it up. */
export interface GateParts {
  readonly transaction: RequestTransaction
  /** Whether an answer with this status commits. */
  commits(status: number): boolean
  /** `reject`: an answer sent piece by piece is refused. `commit-first`: the transaction ends before its first piece leaves. */
  readonly streams: 'reject' | 'commit-first'
  /** COMMIT failed after the handler had answered in one piece: nothing has left, somebody else has to answer. */
  onFailure(error: Error): void
  /** An answer in pieces had to be replaced; whoever still writes to it is not heard. */
  onReplaced(error: Error): void
  /** The client has gone before an answer left. */
  onGone(): void
}

type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders'
type Call = readonly [method: Method, args: readonly unknown[]]
type Send = (...args: readonly unknown[]) => unknown

interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>
}

/**
 * Holds an answer back until the request's transaction is settled, so that a client never reads success for what was
 * not stored. Nothing but the four methods that send is touched.
 *
 * States: `holding` (nothing was sent) -> `settling` (COMMIT or ROLLBACK is under way, calls are kept) -> `open` (calls
 * pass). `deaf`: the answer was replaced or the client has gone; calls are swallowed.
 */
export class ResponseGate {
  readonly #response: ServerResponse
  readonly #parts: GateParts
  readonly #send: Readonly<Record<Method, Send>>
  readonly #headersBefore: ReadonlySet<string>
  #state: 'holding' | 'settling' | 'open' | 'deaf' = 'holding'
  #kept: Call[] = []
  /** Status by `writeHead`, before it was sent. */
  #status: number | undefined
  /** Status and headers at the moment the handler ended its answer: what it changes later is too late. */
  #ended: Head | undefined
  #replacing = false

  constructor(response: ServerResponse, parts: GateParts) {
    this.#response = response
    this.#parts = parts
    this.#headersBefore = new Set(response.getHeaderNames())
    const bound = (method: Method): Send => (response[method] as Send).bind(response)
    this.#send = { writeHead: bound('writeHead'), write: bound('write'), end: bound('end'), flushHeaders: bound('flushHeaders') }
    const gated = (method: Method) => (...args: unknown[]): unknown => this.#called(method, args)
    Object.assign(response, { writeHead: gated('writeHead'), write: gated('write'), end: gated('end'), flushHeaders: gated('flushHeaders') })
    response.once('close', () => { this.#closed() })
  }

  #called(method: Method, args: readonly unknown[]): unknown {
    if (this.#state === 'open' || this.#replacing) return this.#send[method](...args)
    if (this.#state !== 'deaf' && !this.#ended) this.#kept.push([method, args])
    if (this.#state === 'holding') this.#begin(method, args)
    return method === 'write' ? this.#state === 'deaf' : method === 'flushHeaders' ? undefined : this.#response
  }

  #begin(method: Method, args: readonly unknown[]): void {
    if (method === 'writeHead') {
      if (typeof args[0] === 'number') this.#status = args[0]
      return
    }
    const streamed = method !== 'end'
    this.#state = 'settling'
    if (!streamed) this.#ended = { status: this.#response.statusCode, headers: { ...this.#response.getHeaders() } }
    if (streamed && this.#parts.streams === 'reject') void this.#refuse()
    else void this.#settle(streamed)
  }

  async #settle(streamed: boolean): Promise<void> {
    const { transaction } = this.#parts
    const commit = this.#parts.commits(this.#status ?? this.#response.statusCode)
    try {
      await transaction.settle(commit)
      // whoever was told "stored" must not be told so for a transaction that was marked for ROLLBACK
      if (commit && transaction.refused) throw new TransactionClosedError('the transaction was refused, the answer says success')
    } catch (thrown) {
      if (streamed) this.#replace(asError(thrown))
      else this.#fail(asError(thrown))
      return
    }
    this.#open()
  }

  #open(): void {
    this.#state = 'open'
    const kept = this.#kept
    this.#kept = []
    if (this.#ended) this.#restore(this.#ended)
    for (const [method, args] of kept) this.#send[method](...args)
    if (!this.#response.writableEnded) this.#response.emit('drain')
  }

  #restore({ status, headers }: Head): void {
    for (const name of this.#response.getHeaderNames()) if (!(name in headers)) this.#response.removeHeader(name)
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) this.#response.setHeader(name, value)
    this.#response.statusCode = status
  }

  /** The handler has ended its answer, which never left: another one may be written in its place. */
  #fail(error: Error): void {
    this.#kept = []
    this.#state = 'open'
    this.#clearHeaders()
    this.#parts.onFailure(error)
  }

  async #refuse(): Promise<void> {
    await this.#parts.transaction.settle(false).catch(() => undefined)
    this.#replace(new StreamedReplyError())
  }

  /** Somebody still writes the old answer: it is not heard any more, and the new one goes past the gate. */
  #replace(error: Error): void {
    this.#state = 'deaf'
    this.#kept = []
    this.#clearHeaders()
    this.#parts.onReplaced(error)
    if (this.#response.destroyed) return
    const body = `${JSON.stringify({ error: { code: (error as { code?: unknown }).code ?? 'SLUICE_HTTP', message: 'the request failed' } })}\n`
    this.#response.statusCode = 500
    this.#response.setHeader('content-type', 'application/json; charset=utf-8')
    this.#response.setHeader('content-length', Buffer.byteLength(body))
    this.#replacing = true
    this.#send.end(body)
    this.#replacing = false
  }

  #clearHeaders(): void {
    for (const name of this.#response.getHeaderNames()) if (!this.#headersBefore.has(name)) this.#response.removeHeader(name)
    this.#response.statusCode = 200
    this.#status = undefined
  }

  #closed(): void {
    if (this.#state !== 'holding') return
    this.#state = 'deaf'
    this.#kept = []
    this.#parts.onGone()
  }
}
