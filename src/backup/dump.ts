import { createReadStream } from 'node:fs'
import { readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { DumpFormat } from '../core/dump.js'
import { BackupError } from './errors.js'
import type { ManifestObject } from './manifest.js'
import { writeObject, type ObjectRecipe } from './object.js'
import type { BackupParts, Login } from './parts.js'
import { startProgram } from './process.js'
import type { Progress } from './progress.js'
import type { Session } from './session.js'
import type { Snapshot } from './snapshot.js'
import { ExitGate } from './streams.js'
import type { Tool } from './tools.js'

/** One dump under way. */
export interface DumpJob {
  readonly parts: BackupParts
  readonly session: Session
  readonly tool: Tool
  readonly snapshot: Snapshot
  readonly format: DumpFormat
  /** Folder of the backup in the store. */
  readonly folder: string
  /** On this machine, for files that are gone with the job. */
  readonly privateFolder: string
  readonly login: Login
  readonly progress: Progress
  readonly signal: AbortSignal
}

const SUFFIX: Readonly<Record<DumpFormat, string>> = { custom: 'data.dump', plain: 'data.sql', directory: 'files' }
/** Compressed dumps are seldom larger than this share of the database. */
const COMPRESSED_SHARE = 0.4

/** How an object of a job is written under that name. */
export function recipe(job: DumpJob, name: string, kind: ManifestObject['kind'], gzip: boolean): ObjectRecipe {
  const { parts, folder, progress, signal } = job
  const stored = `${name}${gzip ? '.gz' : ''}${parts.writeKeys ? '.age' : ''}`
  return { store: parts.store, key: `${folder}${stored}`, name: stored, kind, gzip, keys: parts.writeKeys, signal, onBytes: progress.counter() }
}

/** Runs the dump program and stores what it writes. */
export async function dumpObjects(job: DumpJob): Promise<ManifestObject[]> {
  return job.format === 'directory' ? dumpFolder(job) : [await dumpStream(job)]
}

function programArguments(job: DumpJob, folder: string | undefined): string[] {
  const { parts, snapshot, format, tool, login } = job
  const { compression, parallelJobs } = parts.settings
  return [...login.args, ...parts.tools.dump({
    format, folder, compression, jobs: parallelJobs, snapshot: snapshot.name, selection: snapshot.selection,
    database: parts.database, toolVersion: tool.version,
  })]
}

async function dumpStream(job: DumpJob): Promise<ManifestObject> {
  const { parts, format, tool, login, signal } = job
  const running = startProgram({ file: tool.file, args: programArguments(job, undefined), env: login.env }, signal)
  running.stdin.end()
  try {
    const { object, tail } = await writeObject([running.stdout, new ExitGate(running.done)],
      recipe(job, SUFFIX[format], 'data', format === 'plain' && parts.settings.compression))
    if (format === 'plain' && !parts.tools.trailer.test(tail)) {
      throw new BackupError('failed', `${tool.file} ended without an error and without the last line of a complete dump`)
    }
    return object
  } finally {
    running.kill()
    await running.done.catch(() => undefined)
  }
}

/** Parallel jobs write files of their own: they lie on disk until they are stored. */
async function dumpFolder(job: DumpJob): Promise<ManifestObject[]> {
  const { parts, tool, login, privateFolder, progress, signal } = job
  await checkSpace(job)
  const spool = join(privateFolder, 'dump')
  const running = startProgram({ file: tool.file, args: programArguments(job, spool), env: login.env }, signal)
  running.stdin.end()
  running.stdout.resume()
  await running.done
  progress.phase('uploading')
  const names = (await readdir(spool)).sort()
  const objects: ManifestObject[] = []
  for (const name of names) {
    const { object } = await writeObject([createReadStream(join(spool, name), { highWaterMark: 256 * 1024 })], recipe(job, `${SUFFIX.directory}/${name}`, 'data', false))
    objects.push(object)
  }
  if (!names.includes('toc.dat')) throw new BackupError('failed', `${parts.tools.programs.dump?.[0] ?? 'the dump program'} wrote no table of contents`)
  return objects
}

async function checkSpace({ parts, snapshot, privateFolder }: DumpJob): Promise<void> {
  const { bavail, bsize } = await statfs(privateFolder)
  const needed = snapshot.facts.bytes * (parts.settings.compression ? COMPRESSED_SHARE : 1)
  if (bavail * bsize >= needed) return
  throw new BackupError('failed', `the format 'directory' needs about ${String(Math.ceil(needed / 1e6))} MB of disk meanwhile; ${privateFolder} has ${String(Math.floor(bavail * bsize / 1e6))} MB`, {
    hint: "set backup.spoolDir to a folder with more space, or use the format 'custom', which needs none",
  })
}
