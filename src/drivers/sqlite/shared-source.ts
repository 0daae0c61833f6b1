import { realpathSync } from 'node:fs'
import type { ConnectionTarget } from '../../core/driver.js'
import type { SqliteBuild } from './build.js'
import { isKept } from './kept.js'
import type { OpenFile, OpenOptions } from './open-file.js'
import { inMemory } from './options.js'
import { SharedFile } from './shared-file.js'
import type { Job, Source } from './source.js'

/** A connection's part in a {@link SharedFile}. */
export class SharedSource implements Source {
  readonly #shared: SharedFile
  readonly #readOnly: boolean
  readonly #busyTimeoutMs: () => number

  constructor(shared: SharedFile, readOnly: boolean, busyTimeoutMs: () => number) {
    this.#shared = shared
    this.#readOnly = readOnly
    this.#busyTimeoutMs = busyTimeoutMs
    shared.join()
  }

  get inTransaction(): boolean {
    return this.#shared.turnstile.holds(this) && this.#shared.file?.inTransaction === true
  }

  enter(job: Job): Promise<OpenFile> {
    return this.#shared.enter(this, this.#readOnly, job, this.#busyTimeoutMs())
  }

  leave(): void {
    if (!this.inTransaction) this.#shared.leave(this)
  }

  touched(): void { this.#shared.stick(this) }

  /** The handle is everybody's: what a session can leave behind is taken away piece by piece. */
  async reset(): Promise<void> {
    const file = await this.enter({ cancelled: false, wake: undefined })
    if (file.inTransaction) file.exec('rollback')
    file.readOnly(false)
    for (const { type, name } of rowsOf(file, 'select type, name from sqlite_temp_schema where type in (\'table\', \'view\', \'trigger\')')) {
      file.exec(`drop ${type} if exists temp.${quoted(name)}`)
    }
    for (const { name } of rowsOf(file, 'select name, name as type from pragma_database_list where name not in (\'main\', \'temp\')')) {
      file.exec(`detach ${quoted(name)}`)
    }
    file.exec('pragma foreign_keys = on')
    file.forget()
    this.#shared.unstick(this)
    this.leave()
  }

  close(): void {
    if (this.inTransaction) {
      try {
        this.#shared.file?.exec('rollback')
      } catch {
        // it has been rolled back already
      }
    }
    this.#shared.part(this)
  }
}

interface Named { readonly type: string; readonly name: string }

function rowsOf(file: OpenFile, text: string): Named[] {
  const statement = file.compile(text, false)
  try {
    const rows: Named[] = []
    const found = statement.iterate([])
    for (let next = found.next(); next.done !== true; next = found.next()) {
      rows.push({ type: String(next.value['type']), name: String(next.value['name']) })
    }
    return rows
  } finally {
    statement.finalize()
  }
}

function quoted(name: string): string { return `"${name.replaceAll('"', '""')}"` }

const FILES = new Map<string, SharedFile>()
const MEMORIES = new WeakMap<ConnectionTarget, SharedFile>()

/** The shared handle of a file, or of the one in-memory database that belongs to a target. */
export function sharedFileOf(target: ConnectionTarget, build: SqliteBuild, options: OpenOptions): SharedFile {
  if (inMemory(target)) {
    let memory = MEMORIES.get(target)
    if (!memory) {
      memory = new SharedFile(build, options, () => { MEMORIES.delete(target) }, (released) => isKept(target, released))
      MEMORIES.set(target, memory)
    }
    return memory
  }
  const key = `${build.name}:${realPath(options.path)}`
  let file = FILES.get(key)
  if (!file) {
    file = new SharedFile(build, options, () => { FILES.delete(key) })
    FILES.set(key, file)
  }
  return file
}

/** Two names of one file must not get two handles. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
