import type { Connection, ConnectSettings } from '../../core/driver.js'
import { asError } from '../../core/deadline.js'
import { loadParsers } from '../postgres/load-types.js'
import { PgliteConnection } from './connection.js'
import { engineSlot } from './engines.js'

/**
 * Opens one connection; the first one starts the engine. That is not bounded by `connectTimeoutMs`, which is the patience
 * with another process that has the folder: an engine that is on its way cannot be stopped, and the next attempt finds it.
 */
export async function connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection> {
  const parserOf = await loadParsers(settings.types)
  const slot = engineSlot(settings.target)
  const joining = slot.join(settings.readOnly, settings.connectTimeoutMs)
  const engine = await unlessAborted(joining, signal, () => { void joining.then(() => slot.leave(), () => undefined) })
  return new PgliteConnection(engine, settings, parserOf, () => slot.leave())
}

/** Starts the engine, for a database that keeps it. */
export async function start(settings: ConnectSettings): Promise<void> {
  const slot = engineSlot(settings.target)
  await slot.join(settings.readOnly, settings.connectTimeoutMs)
  await slot.leave()
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, onAbort: () => void): Promise<T> {
  if (!signal) return promise
  let abort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => { reject(asError(signal.reason)) }
  })
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } catch (error) {
    if (signal.aborted) onAbort()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
