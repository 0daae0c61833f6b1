import { existsSync, linkSync, readFileSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { randomUUID } from 'node:crypto'

/** Who has the file: enough to tell whether they still live. */
interface Owner {
  readonly pid: number
  readonly host: string
  /** When the process started, in the operating system's own count; '' where that cannot be asked. */
  readonly started: string
}

const SELF: Owner = { pid: process.pid, host: hostname(), started: startedAt(process.pid) }

/** The lease cannot be written: the folder is not there, or not to be written to. */
export class LeaseUnwritable extends Error {
  /** Node's code, `ENOENT`, `EACCES`. */
  readonly code: string

  constructor(cause: unknown) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    super(`its folder cannot be written to (${code})`, { cause })
    this.name = 'LeaseUnwritable'
    this.code = code
  }
}

/**
 * The right of one process to a database file or folder, for an embedded engine without the operating system's locks: a
 * file beside it that names its owner, made where none is. When its owner has died the lease is taken over, together with
 * `leftover`: a lock folder that the engine leaves behind and nobody else would ever remove.
 *
 * An owner on another host cannot be asked; its lease is never taken over.
 */
export class FileLease {
  readonly #path: string
  readonly #wantedPath: string
  readonly #leftover: string | undefined
  #held = false

  constructor(database: string, leftover?: string) {
    this.#path = `${database}-lease`
    this.#wantedPath = `${database}-wanted`
    this.#leftover = leftover
  }

  /** Takes the lease; false while somebody alive has it. @throws {@link LeaseUnwritable} */
  acquire(): boolean {
    if (this.#create()) return true
    const found = readQuietly(this.#path)
    if (found === undefined || !isDead(found)) return false
    return this.#takeOver(found)
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    removeQuietly(this.#path)
  }

  /** Another process waits for its turn. Asking takes the sign down: who still waits puts it up again. */
  isWanted(): boolean {
    if (!existsSync(this.#wantedPath)) return false
    removeQuietly(this.#wantedPath)
    return true
  }

  /** Puts up a sign for the holder. */
  want(): void {
    try {
      writeFileSync(this.#wantedPath, '')
    } catch {
      // a folder that cannot be written to: the holder gives it back when idle
    }
  }

  /** Complete from its first moment: the name appears with the content. */
  #create(): boolean {
    const draft = `${this.#path}-${randomUUID()}`
    try {
      writeFileSync(draft, JSON.stringify(SELF), { flag: 'wx' })
      linkSync(draft, this.#path)
      this.#held = true
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return false
      throw new LeaseUnwritable(error)
    } finally {
      removeQuietly(draft)
    }
  }

  /** Renaming is atomic: of several who find the same dead owner one gets the file, and checks that it is that one's. */
  #takeOver(found: string): boolean {
    const aside = `${this.#path}-${randomUUID()}`
    try {
      renameSync(this.#path, aside)
    } catch {
      return false
    }
    const mine = readQuietly(aside) === found
    if (!mine) putBack(aside, this.#path)
    else if (this.#leftover !== undefined) removeFolderQuietly(this.#leftover)
    removeQuietly(aside)
    return mine && this.#create()
  }
}

function isDead(text: string): boolean {
  const owner = parse(text)
  if (owner?.host !== SELF.host) return false
  if (!isAlive(owner.pid)) return true
  return owner.started !== '' && owner.started !== startedAt(owner.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of Linux' /proc/<pid>/stat, counted behind the name, which may hold spaces. */
function startedAt(pid: number): string {
  const stat = readQuietly(`/proc/${String(pid)}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function parse(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null
    return typeof owner?.pid === 'number' && typeof owner.host === 'string' && typeof owner.started === 'string' ? owner as Owner : undefined
  } catch {
    return undefined
  }
}

function putBack(from: string, to: string): void {
  if (existsSync(to)) return
  try {
    renameSync(from, to)
  } catch {
    // somebody else has removed it meanwhile
  }
}

function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // not there
  }
}

function removeFolderQuietly(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // not there
  }
}
