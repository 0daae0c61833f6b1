import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder only we can read, in the system's temporary folder unless told otherwise, gone with everything in it after `work`. */
export async function inPrivateFolder<T>(work: (folder: string) => Promise<T>, parent: string = tmpdir()): Promise<T> {
  const folder = await mkdtemp(join(parent, 'sluice-backup-'))
  try {
    await chmod(folder, 0o700)
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

/** Writes files that only we can read. */
export async function writePrivate(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
}
