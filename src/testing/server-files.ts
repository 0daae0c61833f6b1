import { constants } from 'node:fs'
import { chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './process.js'

/** Whose the files are to be. */
export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account) await chown(path, account.uid, account.gid)
}

/** Writes a private file for the server. */
export async function writeServerFile(path: string, text: string, account: Account | undefined): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await give(path, account)
}

/** A folder only the server's user may enter. */
export async function makePrivateFolder(path: string, account: Account | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await give(path, account)
}

/** What of the data folder of a server that is running is copied. */
export interface LiveCopy {
  /** Neither it nor what is in it. */
  isLeftOut(name: string): boolean
  /** The folder, but none of its files. */
  isEmptied(name: string): boolean
}

/**
 * Copies a data folder: everything, of a server that is stopped. Of one that is running files may grow, shrink and vanish
 * meanwhile: vanished ones are skipped, and who copies it knows how the rest is put right.
 */
export async function copyDataFolder(from: string, to: string, account: Account | undefined, live?: LiveCopy): Promise<void> {
  await copyFolder(from, to, { account, live, foldersOnly: false })
}

async function copyFolder(
  from: string, to: string, how: { readonly account: Account | undefined; readonly live: LiveCopy | undefined; readonly foldersOnly: boolean },
): Promise<void> {
  const { account, live, foldersOnly } = how
  await makePrivateFolder(to, account)
  const entries = await readdir(from, { withFileTypes: true }).catch(unlessVanished(live, []))
  await Promise.all(entries.map(async (entry) => {
    const { name } = entry
    const [source, target] = [join(from, name), join(to, name)]
    if (live?.isLeftOut(name)) return
    if (entry.isDirectory()) {
      await copyFolder(source, target, { ...how, foldersOnly: foldersOnly || (live?.isEmptied(name) ?? false) })
    } else if (entry.isFile() && !foldersOnly) {
      await copyFile(source, target, constants.COPYFILE_FICLONE).then(() => give(target, account)).catch(unlessVanished(live, undefined))
    }
  }))
}

function unlessVanished<T>(live: LiveCopy | undefined, instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (live && error.code === 'ENOENT') return instead
    throw error
  }
}
