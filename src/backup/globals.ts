import { Readable } from 'node:stream'
import { recipe, type DumpJob } from './dump.js'
import { BackupError } from './errors.js'
import type { ManifestObject } from './manifest.js'
import { writeObject } from './object.js'
import { toolFor } from './parts.js'
import { runProgram } from './process.js'

/** Roles and their memberships, or why they are not there. */
export interface Globals {
  readonly objects: readonly ManifestObject[]
  readonly absent: string | undefined
}

/**
 * Roles and tablespaces, which belong to no database. Password hashes only where the backup is encrypted and the user may
 * see them. A user who may see nothing is no reason to have no backup: the absence is written down.
 */
export async function dumpGlobals(job: DumpJob): Promise<Globals> {
  const { parts } = job
  const { globals } = parts.tools
  if (!globals) return { objects: [], absent: 'the engine has none outside the database' }
  const attempts = parts.writeKeys ? [true, false] : [false]
  let reason = ''
  for (const withPasswords of attempts) {
    const text = await textOf(job, globals({ withPasswords })).catch((error: unknown) => {
      job.signal.throwIfAborted()
      if (!(error instanceof BackupError)) throw error
      reason = error.message.split('\n')[0] ?? ''
    })
    if (text === undefined) continue
    const { object } = await writeObject([Readable.from([Buffer.from(text)])], recipe(job, 'globals.sql', 'globals', false))
    return { objects: [object], absent: undefined }
  }
  return { objects: [], absent: reason }
}

async function textOf({ parts, session, login, signal }: DumpJob, args: readonly string[]): Promise<string> {
  const tool = await toolFor(parts, 'globals', session.server.versionNumber)
  return runProgram({ file: tool.file, args: [...login.args, ...args], env: login.env }, { signal })
}
