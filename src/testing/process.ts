import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { withTimeout } from '../core/deadline.js'
import { TestClusterError } from './errors.js'
import { WATCHDOG_SCRIPT } from './watchdog.js'

/** The operating-system user that servers run as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Environment of every program started here: no PG* variables, no locale, UTC. */
function programEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC', ...extra }
}

/**
 * Database servers refuse to run as root: as root they run as `postgres`, or else `nobody`. `undefined` = as we are.
 *
 * @throws TestClusterError as root on a system that has neither user
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const user = users.find((fields) => fields[0] === name)
    if (user && Number(user[2]) > 0) return { uid: Number(user[2]), gid: Number(user[3]) }
  }
  throw new TestClusterError('database servers do not run as root, and there is no user postgres or nobody to run them as', {
    hint: 'run the tests as an ordinary user, or create the user postgres',
  })
}

/** How a program is run. */
export interface RunOptions {
  readonly account?: Account | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Default 60 s; then it is killed. */
  readonly timeoutMs?: number | undefined
}

/**
 * Runs a program to its end.
 *
 * @returns what it wrote to stdout
 * @throws TestClusterError with the end of what it wrote to stderr
 */
export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], {
      cwd: '/', env: programEnvironment(options.env), timeout: options.timeoutMs ?? 60_000, killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024 * 1024, ...options.account,
    }, (cause, stdout, stderr) => {
      if (!cause) return void resolve(stdout)
      const said = (stderr.trim() || stdout.trim() || cause.message).split('\n').slice(-8).join('\n')
      reject(new TestClusterError(`${file} failed: ${said}`, { cause }))
    })
  })
}

/** A server's main process, our direct child: when it dies it is reaped here and leaves no zombie. */
export class ServerProcess {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<string>
  #alive = true
  #waiting = 0

  constructor(child: ChildProcess, pid: number) {
    this.pid = pid
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#alive = false
        resolve(signal ? `ended by ${signal}` : `exit code ${code ?? 'unknown'}`)
      })
    })
    // A forgotten cluster must not keep the test process alive; the watchdog clears it away.
    child.unref()
  }

  get alive(): boolean { return this.#alive }

  /**
   * Waits until the process is gone. While somebody waits, the child keeps our process alive: with nothing else to do,
   * Node would end in the middle of the caller's `await`.
   *
   * @param patienceMs - wait no longer than this; default without limit
   * @returns a phrase that says how it ended; `undefined` when it is still there after `patienceMs`
   */
  async exit(patienceMs = Infinity): Promise<string | undefined> {
    if (this.#waiting++ === 0) this.#child.ref()
    try {
      return await withTimeout(this.#exited, patienceMs, () => new TestClusterError('still there'))
    } catch {
      return undefined
    } finally {
      if (--this.#waiting === 0) this.#child.unref()
    }
  }

  /** Signals the main process alone; not one that is already gone, whose number may belong to someone else. */
  signal(name: NodeJS.Signals): void {
    if (this.#alive) signalPid(this.pid, name)
  }
}

/** Sends a signal; a process that is gone already is not an error. */
export function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What a server is started with. */
export interface SpawnOptions {
  readonly account: Account | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Gets stdout and stderr, appended. */
  readonly logFile: string
}

/**
 * Starts a server in a session of its own: Ctrl-C in the terminal ends the tests, and they end the server.
 *
 * @throws TestClusterError when the program cannot be started
 */
export async function spawnServer(file: string, args: readonly string[], options: SpawnOptions): Promise<ServerProcess> {
  const log = openSync(options.logFile, 'a', 0o600)
  try {
    const child = spawn(file, [...args], {
      cwd: '/', detached: true, stdio: ['ignore', log, log], env: programEnvironment(options.env), ...options.account,
    })
    await started(child, file)
    return new ServerProcess(child, child.pid ?? 0)
  } finally {
    closeSync(log)
  }
}

/** Clears away what a dead test process leaves; see {@link WATCHDOG_SCRIPT}. */
export interface Watchdog {
  /** Call when everything is cleared away already. */
  dismiss(): void
}

/** Starts the watchdog of one cluster's folder. It holds the read end of a pipe to us and acts when the pipe closes. */
export async function spawnWatchdog(folder: string): Promise<Watchdog> {
  const child = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT, 'sluice-test-watchdog', folder], {
    cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: programEnvironment(),
  })
  child.stdin.on('error', () => {})
  await started(child, 'the watchdog')
  child.unref()
  unrefStream(child.stdin)
  return { dismiss: () => void child.stdin.end() }
}

/** The pipe is a socket underneath, which has `unref`; the stream's type does not say so. */
function unrefStream(stream: object): void {
  if ('unref' in stream && typeof stream.unref === 'function') (stream.unref as () => void).call(stream)
}

function started(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new TestClusterError(`${what} could not be started: ${cause.message}`, { cause })))
  })
}
