import { randomBytes } from 'node:crypto'
import { BackupError } from './errors.js'
import { loginFor, toolFor, type BackupParts } from './parts.js'
import { inPrivateFolder } from './private-folder.js'
import { startProgram, type Running } from './process.js'
import type { Progress } from './progress.js'
import type { Session } from './session.js'
import { spoolFolder, type DumpSource } from './source.js'

/** How a dump is loaded. */
export interface LoadOptions {
  /** undefined: the tool reads all of it and writes it nowhere. */
  readonly database: string | undefined
  readonly noOwner: boolean
  readonly noPrivileges: boolean
  readonly jobs: number
}

/** Loads a dump into a database, or only reads it all with the tool that would load it. */
export async function load(
  parts: BackupParts, session: Session, source: DumpSource, options: LoadOptions, progress: Progress, signal: AbortSignal | undefined,
): Promise<void> {
  const { tools, settings } = parts
  await inPrivateFolder(async (privateFolder) => {
    const login = await loginFor(parts, session, options.database ?? parts.database, privateFolder)
    if (source.format === 'plain') return loadText({ parts, session, source, options, progress, signal, env: login.env, args: login.args })
    const tool = await toolFor(parts, 'restore', session.server.versionNumber)
    const folder = source.format === 'directory' ? await spoolFolder(parts, source, privateFolder, progress, signal) : undefined
    const args = tools.restore?.({ ...options, format: source.format, folder, jobs: options.jobs })
    if (!args) throw new BackupError('failed', `${parts.engine} has no dumps in format ${source.format}`)
    const running = startProgram({ file: tool.file, args: [...login.args, ...args], env: login.env }, signal)
    if (folder === undefined) await feed(running, (sink) => source.read(sink, progress, signal))
    else await finish(running)
  }, settings.spoolDir)
}

interface TextJob {
  readonly parts: BackupParts
  readonly session: Session
  readonly source: DumpSource
  readonly options: LoadOptions
  readonly progress: Progress
  readonly signal: AbortSignal | undefined
  readonly env: Readonly<Record<string, string>>
  readonly args: readonly string[]
}

/** SQL text: only its end says that it is complete. */
async function loadText({ parts, session, source, options, progress, signal, env, args }: TextJob): Promise<void> {
  const { tools } = parts
  const { database } = options
  let tail = ''
  if (database === undefined) {
    tail = await source.read(async (body) => { for await (const _ of body) void _ }, progress, signal)
  } else {
    const tool = await toolFor(parts, 'script', session.server.versionNumber)
    const guard = guarded(parts, tool.version, source)
    const running = startProgram({ file: tool.file, args: [...args, ...tools.script({ database, tolerant: false })], env }, signal)
    await feed(running, async (sink) => {
      tail = await source.read((body) => sink(guard ? fenced(body, guard) : body), progress, signal)
    })
  }
  if (!tools.trailer.test(tail)) throw new BackupError('corrupt', `${source.id}: it lacks the last line of a complete dump`)
}

interface Fence { readonly before: string; readonly after: string }

/** SQL text may hold commands of the program that runs it, `\!` among them: what nobody vouches for runs fenced in. */
function guarded(parts: BackupParts, toolVersion: number, source: DumpSource): Fence | undefined {
  const { guard } = parts.tools
  if (!guard || source.entry) return undefined
  const fence = guard(toolVersion, randomBytes(24).toString('hex'))
  if (fence) return fence
  throw new BackupError('refused', `${source.id} is SQL text without a manifest, and this psql cannot be kept from running commands written in it (CVE-2025-8714)`, {
    hint: 'update the PostgreSQL client programs, or load it yourself with psql when you trust it',
  })
}

const FENCE_LINE = /^\\(?:un)?restrict [A-Za-z0-9]+$/

/** The text with our fence around it; the one its own writer put there, in the first lines and as the last, is taken out. */
async function* fenced(body: AsyncIterable<Buffer>, { before, after }: Fence): AsyncGenerator<Buffer> {
  yield Buffer.from(before)
  let held = Buffer.alloc(0)
  let own: string | undefined
  let begun = false
  for await (const part of body) {
    held = Buffer.concat([held, part])
    if (!begun) {
      if (held.length < 4_096) continue
      ;[held, own] = withoutOpening(held)
      begun = true
    }
    // the last bytes wait, for the closing line may be among them
    if (held.length > 1_024) {
      yield held.subarray(0, -1_024)
      held = Buffer.from(held.subarray(-1_024))
    }
  }
  if (!begun) [held, own] = withoutOpening(held)
  yield own === undefined ? held : Buffer.from(held.toString('latin1').replace(`\\unrestrict ${own}\n`, '\n'), 'latin1')
  yield Buffer.from(after)
}

function withoutOpening(start: Buffer): [Buffer<ArrayBuffer>, string | undefined] {
  const lines = start.toString('latin1').split('\n')
  const at = lines.slice(0, 10).findIndex((line) => FENCE_LINE.test(line))
  if (at === -1) return [Buffer.from(start), undefined]
  const token = lines[at]?.split(' ')[1]
  lines[at] = ''
  return [Buffer.from(lines.join('\n'), 'latin1'), token]
}

/**
 * Sends data to a program and waits until both are through. Where both fail, the program's own words count: that the
 * pipe broke is only how we notice.
 */
async function feed(running: Running, read: (sink: (body: AsyncIterable<Buffer>) => Promise<void>) => Promise<unknown>): Promise<void> {
  running.stdout.resume()
  let failed: { readonly error: unknown } | undefined
  const ended = running.done.then(() => true, () => true)
  try {
    await read(async (body) => {
      for await (const part of body) {
        // a program that has seen enough lets go of the pipe; the rest is still read, for its hash
        if (running.stdin.destroyed || running.stdin.write(part)) continue
        await Promise.race([new Promise((resolve) => running.stdin.once('drain', resolve)), ended])
      }
    })
  } catch (error) {
    failed = { error }
  }
  if (failed && !running.stdin.destroyed) running.kill()
  running.stdin.end()
  const outcome = await running.done.then(() => undefined, (error: unknown) => ({ error }))
  if (failed) throw failed.error
  if (outcome) throw outcome.error
}

/** Waits for a program that reads no input. */
async function finish(running: Running): Promise<void> {
  running.stdin.end()
  running.stdout.resume()
  try {
    await running.done
  } finally {
    running.kill()
  }
}
