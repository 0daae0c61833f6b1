import { Socket, type IpcNetConnectOpts, type TcpNetConnectOpts } from 'node:net'
import { limitsFrom } from '../../core/deadline.js'
import type { ConnectionTarget } from '../../core/driver.js'
import { limited } from '../../core/limited.js'
import type { TlsAttempt } from '../../core/tls.js'
import type { Client, Library } from './client.js'
import { hangUp } from './dial.js'
import { ask } from './session.js'

/** Which statement to end, and the way there. */
export interface CancelTarget {
  readonly library: Library
  /** Every session of one target shares control connections. */
  readonly target: ConnectionTarget
  /** The very address the session uses: a DNS name could lead to another server. */
  readonly address: TcpNetConnectOpts | IpcNetConnectOpts
  readonly tls: TlsAttempt
  /** Login for `mysql2`; the password may have rotated since. */
  config(): Promise<Readonly<Record<string, unknown>>>
  readonly threadId: number
  /** What the server called itself when the session began. */
  readonly identity: string
  /** `performance.now()` when the session began. */
  readonly since: number
}

/** A control connection nobody needs is kept this long, for a burst of cancels. */
const LINGER_MS = 1_000

/**
 * Asks the server to end the statement that a session runs now (`KILL QUERY`), on a control connection. Resolves when the
 * server has taken the request.
 *
 * The control connection first makes sure that it talks to the same server, and that this one has not started anew since:
 * a restarted server gives the same session numbers to strangers.
 */
export async function killQuery(target: CancelTarget, timeoutMs: number): Promise<void> {
  await controlOf(target).kill(target, timeoutMs)
}

const CONTROLS = new WeakMap<ConnectionTarget, Map<string, Control>>()

function controlOf({ target, address }: CancelTarget): Control {
  const controls = CONTROLS.get(target) ?? new Map<string, Control>()
  CONTROLS.set(target, controls)
  const key = JSON.stringify(address)
  const control = controls.get(key) ?? new Control(() => { controls.delete(key) })
  controls.set(key, control)
  return control
}

/** One server's control connection: opened for the first cancel, shared by those that come meanwhile, closed when idle. */
class Control {
  readonly #onEnd: () => void
  #opening: Promise<Opened> | undefined
  #users = 0
  #timer: NodeJS.Timeout | undefined

  constructor(onEnd: () => void) { this.#onEnd = onEnd }

  async kill(target: CancelTarget, timeoutMs: number): Promise<void> {
    this.#users++
    clearTimeout(this.#timer)
    const limits = limitsFrom(timeoutMs)
    try {
      const work = async (): Promise<void> => {
        const { client, identity, startedMs } = await (this.#opening ??= open(target))
        if (identity !== target.identity || startedMs > target.since) throw gone(target.threadId)
        await ask(client, `kill query ${String(target.threadId)}`)
      }
      await limited(work(), limits, () => 'asking the server to end a statement')
    } catch (error) {
      if (!isAnswer(error)) this.#drop()
      throw error
    } finally {
      this.#users--
      if (this.#users === 0) this.#timer = setTimeout(() => { this.#drop() }, LINGER_MS).unref()
    }
  }

  #drop(): void {
    const opening = this.#opening
    this.#opening = undefined
    clearTimeout(this.#timer)
    this.#onEnd()
    void opening?.then(({ client, socket }) => { hangUp(client, socket) }, () => undefined)
  }
}

interface Opened {
  readonly client: Client
  readonly socket: Socket
  readonly identity: string
  /** `performance.now()` when the server was started, rather too early than too late. */
  readonly startedMs: number
}

async function open(target: CancelTarget): Promise<Opened> {
  const socket = new Socket()
  socket.setNoDelay(true)
  const config = await target.config()
  const client = target.library.open({ ...config, stream: () => socket.connect(target.address), ...('path' in target.address ? { socketPath: target.address.path } : {}) }, target.tls)
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => { resolve() })
      client.on('error', reject)
    })
    socket.unref()
    const rows = await ask(client, IDENTITY) as readonly Record<string, unknown>[]
    const [up] = await ask(client, "show global status like 'Uptime'") as readonly Record<string, unknown>[]
    // seconds, cut off: the server may have started up to one second earlier
    const startedMs = performance.now() - (Number(up?.['Value'] ?? 0) + 1) * 1_000
    return { client, socket, identity: String(rows[0]?.['identity']), startedMs }
  } catch (error) {
    hangUp(client, socket)
    throw error
  }
}

const IDENTITY = "select concat_ws('/', @@hostname, @@port, @@server_id) as identity"

function gone(threadId: number): Error {
  return Object.assign(new Error(`session ${String(threadId)} ended with its server`), { code: 'ECONNRESET' })
}

/** The server answered, if only with an error: the control connection is fine. */
function isAnswer(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'sqlState' in error
}
