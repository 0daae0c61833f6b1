import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { asError } from '../core/deadline.js'
import { BackupError } from './errors.js'

/** Bytes of stderr kept for the error message. */
const STDERR_TAIL = 4_096
const KILL_AFTER_MS = 2_000

/** A program to run; no secret is among `args`. */
export interface Program {
  /** Path of the file. */
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment but for PATH and locale. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string | undefined
}

/** A running program. */
export interface Running {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /**
   * Resolves when it ended with exit code 0; rejects with a {@link BackupError} that holds the end of what it wrote to
   * stderr. Never unhandled.
   */
  readonly done: Promise<void>
  /** What it has written to stderr, the end of it. */
  said(): string
  /** Ends it and everything it started. Idempotent. */
  kill(): void
}

/** Environment of every program: nothing of ours but PATH, messages in English, UTC. */
function environment(extra: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent', LC_ALL: 'C', TZ: 'UTC', ...extra }
}

/**
 * Starts a program as the head of a process group of its own. When our process dies, its pipes close, and it ends at its
 * next write or read.
 *
 * The end of stdout is not success: only `done` says so.
 */
export function startProgram(program: Program, signal?: AbortSignal): Running {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(program.file, [...program.args], {
    cwd: program.cwd ?? '/', env: environment(program.env), detached: true, stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-STDERR_TAIL) })
  const group = new Group(child.pid)
  const onAbort = (): void => { group.end() }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => { reject(new BackupError('failed', `${program.file} could not be started: ${cause.message}`, { cause })) })
    child.once('close', (code, killer) => {
      if (code === 0) resolve()
      else reject(failure(program.file, code, killer, stderr, signal))
    })
  }).finally(() => {
    group.ended()
    signal?.removeEventListener('abort', onAbort)
  })
  done.catch(() => {})
  // a program that ends early closes its end; `done` says why
  child.stdin.on('error', () => {})
  return { pid: child.pid ?? 0, stdin: child.stdin, stdout: child.stdout, done, said: () => stderr.trim(), kill: () => { group.end() } }
}

/** A process and all it starts: signalled together, politely first. */
class Group {
  readonly #pid: number | undefined
  #over = false
  #timer: NodeJS.Timeout | undefined

  constructor(pid: number | undefined) { this.#pid = pid }

  end(): void {
    this.#signal('SIGTERM')
    this.#timer ??= setTimeout(() => { this.#signal('SIGKILL') }, KILL_AFTER_MS)
    this.#timer.unref()
  }

  ended(): void {
    clearTimeout(this.#timer)
    this.#over = true
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#over || this.#pid === undefined) return
    try {
      process.kill(-this.#pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

function failure(file: string, code: number | null, killer: NodeJS.Signals | null, stderr: string, signal: AbortSignal | undefined): BackupError {
  const name = file.slice(file.lastIndexOf('/') + 1)
  if (signal?.aborted) return new BackupError('cancelled', `${name} was ended: the job was cancelled`, { cause: signal.reason })
  const how = killer === null ? `exit code ${String(code)}` : `ended by ${killer}`
  const said = stderr.trim()
  return new BackupError('failed', `${name} failed (${how})${said === '' ? '' : `: ${said}`}`)
}

/** Runs a program to its end and returns what it wrote to stdout (at most 16 MB). */
export async function runProgram(
  program: Program, options: { readonly signal?: AbortSignal | undefined; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs)
  const signals = [options.signal, timeout].filter((signal) => signal !== undefined)
  const running = startProgram(program, signals.length === 0 ? undefined : AbortSignal.any(signals))
  running.stdin.end(options.input ?? '')
  let text = ''
  running.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    if (text.length > 16 * 1024 * 1024) running.kill()
  })
  try {
    await running.done
  } catch (error) {
    if (timeout?.aborted) throw new BackupError('failed', `${program.file} did not end within ${String(options.timeoutMs)} ms`, { cause: asError(error) })
    throw error
  }
  return text
}
