import { realpathSync } from 'node:fs'
import type { ConnectionTarget } from '../../core/driver.js'
import type { Engine } from './engine.js'
import { inMemory, readOptions } from './options.js'
import { startEngine, type Started } from './start.js'

/**
 * The place of one engine, which is started for its first user and closed after its last one. Two engines on one folder
 * would destroy it.
 */
export class EngineSlot {
  readonly #target: ConnectionTarget
  readonly #onEmpty: () => void
  #users = 0
  #started: Promise<Started> | undefined
  #closing: Promise<void> | undefined

  constructor(target: ConnectionTarget, onEmpty: () => void) {
    this.#target = target
    this.#onEmpty = onEmpty
  }

  /** It stays, started or not, until the returned function is called; that resolves when an engine nobody uses is closed. */
  keep(): () => Promise<void> {
    this.#users++
    let left: Promise<void> | undefined
    return () => left ??= this.#leave()
  }

  /**
   * The engine, started where it is not; each call is ended by one of {@link EngineSlot.leave}.
   *
   * @param waitMs - patience with another process that has the folder
   */
  async join(mustExist: boolean, waitMs: number): Promise<Engine> {
    this.#users++
    try {
      for (;;) {
        await this.#closing
        const starting = this.#started ??= this.#start(mustExist, waitMs)
        const { engine } = await starting
        if (!engine.broken) return engine
        // torn down in the middle: a new one reads what the folder has
        if (this.#started === starting) await this.#close()
      }
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  leave(): Promise<void> { return this.#leave() }

  #start(mustExist: boolean, waitMs: number): Promise<Started> {
    const starting = startEngine(readOptions({ target: this.#target }), { mustExist, waitMs })
    starting.catch(() => { if (this.#started === starting) this.#started = undefined })
    return starting
  }

  async #leave(): Promise<void> {
    this.#users--
    if (this.#users > 0) return
    await this.#close()
    if (this.#users === 0) this.#onEmpty()
  }

  #close(): Promise<void> {
    const started = this.#started
    this.#started = undefined
    if (!started) return this.#closing ?? Promise.resolve()
    const closing = started.then((running) => running.close(), () => undefined).finally(() => {
      if (this.#closing === closing) this.#closing = undefined
    })
    return this.#closing = closing
  }
}

const FOLDERS = new Map<string, EngineSlot>()
const MEMORIES = new WeakMap<ConnectionTarget, EngineSlot>()

/** The place of a folder's engine, or of the one in memory that belongs to a target. */
export function engineSlot(target: ConnectionTarget): EngineSlot {
  if (inMemory(target)) {
    const memory = MEMORIES.get(target) ?? new EngineSlot(target, () => { MEMORIES.delete(target) })
    MEMORIES.set(target, memory)
    return memory
  }
  const key = realPath(readOptions({ target }).folder ?? '')
  const slot = FOLDERS.get(key) ?? new EngineSlot(target, () => { FOLDERS.delete(key) })
  FOLDERS.set(key, slot)
  return slot
}

/** Two names of one folder must not get two engines. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
