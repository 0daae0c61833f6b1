import type { Connection, ConnectSettings } from '../../core/driver.js'
import { chooseBuild } from './choose-build.js'
import { SqliteConnection } from './connection.js'
import { gone, lockedOut } from './failure.js'
import { isBusy } from './errors.js'
import { inMemory, readOptions } from './options.js'
import { OwnSource } from './own-source.js'
import { sharedFileOf, SharedSource } from './shared-source.js'
import type { OpenOptions } from './open-file.js'
import type { Job } from './source.js'
import { pause } from './pause.js'

/** Opens one connection: a handle of its own where the build shares files, else a part in the file's one handle. */
export async function connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection> {
  const options = readOptions(settings)
  const build = await chooseBuild(options.build)
  if (signal?.aborted) throw gone()
  const { path, synchronous, busyTimeoutMs } = options
  const opening: OpenOptions = {
    path, synchronous, readOnly: settings.readOnly, mustExist: settings.readOnly && path !== ':memory:', maxPrepared: settings.maxPreparedStatements,
  }
  const limits = { busyTimeoutMs }
  if (build.sharesFiles && !inMemory(settings.target)) {
    const source = await patiently(() => new OwnSource(build, opening), busyTimeoutMs, signal)
    return new SqliteConnection(source, source.version, settings, limits)
  }
  const shared = sharedFileOf(settings.target, build, { ...opening, readOnly: false })
  const source = new SharedSource(shared, settings.readOnly, () => limits.busyTimeoutMs)
  try {
    const version = shared.version ?? await openOnce(source, signal)
    return new SqliteConnection(source, version, settings, limits)
  } catch (error) {
    source.close()
    throw error
  }
}

/** The first connection finds out whether the file can be opened; later ones do not wait for its turn. */
async function openOnce(source: SharedSource, signal: AbortSignal | undefined): Promise<string> {
  const job: Job = { cancelled: false, wake: undefined }
  const onAbort = (): void => {
    job.cancelled = true
    job.wake?.()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const { version } = await source.enter(job)
    source.leave()
    return version
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Switching a file to its write-ahead log needs it for a moment. */
async function patiently<T>(open: () => T, busyTimeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  for (const until = performance.now() + busyTimeoutMs; ;) {
    try {
      return open()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() >= until) throw lockedOut(busyTimeoutMs, error)
    }
    if (signal?.aborted) throw gone()
    await pause()
  }
}
