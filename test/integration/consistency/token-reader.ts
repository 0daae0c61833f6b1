import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { DatabaseOptions } from '../../../src/index.js'

/** What the other process has read, and where. */
export interface TokenRead {
  readonly n: number
  readonly node: string
}

/** A process of its own that reads with tokens it is handed; see test/support/token-reader.js. */
export class TokenReader implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor(options: DatabaseOptions) {
    this.#child = fork(resolve('test/support/token-reader.js'), [JSON.stringify(options)])
  }

  /** Settles when its database is open. */
  static async start(options: DatabaseOptions): Promise<TokenReader> {
    const reader = new TokenReader(options)
    await reader.#message()
    return reader
  }

  /** One read at a time. @throws Error what the other process's read failed with, or that it has ended */
  async read(text: string, token: string): Promise<TokenRead> {
    const answered = this.#message()
    this.#child.send({ text, token })
    const answer = await answered as Partial<TokenRead> & { readonly failure?: string }
    if (answer.n === undefined || answer.node === undefined) throw new Error(answer.failure ?? 'no answer')
    return { n: answer.n, node: answer.node }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  async #message(): Promise<unknown> {
    const given = new AbortController()
    const ended = once(this.#child, 'exit', { signal: given.signal }).then(() => { throw new Error('the reading process has ended') })
    try {
      const [message] = await Promise.race([once(this.#child, 'message', { signal: given.signal }), ended]) as [unknown]
      return message
    } finally {
      given.abort()
      ended.catch(() => undefined)
    }
  }
}
