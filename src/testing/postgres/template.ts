import { join } from 'node:path'
import { cacheFolder } from '../cache-folder.js'
import { runProgram, type Account } from '../process.js'
import type { Binaries } from './binaries.js'
import { copyDataFolder, give } from '../server-files.js'

/**
 * Makes a fresh data folder at `target`. `initdb` takes a second and always does the same, so its result is kept as a
 * template and copied; the copy carries no password, the superuser gets one later.
 */
export async function freshDataFolder(target: string, binaries: Binaries, account: Account | undefined): Promise<void> {
  const owner = account?.uid ?? process.getuid?.()
  const prefix = `sluice-postgres-template-${binaries.major}-${owner ?? 'me'}-${checksum(binaries.folder)}`
  const template = await cacheFolder(prefix, owner, async (folder) => {
    await give(folder, account)
    // The draft lies in a folder only its maker may enter; the server's user must pass through.
    if (account) await give(join(folder, '..'), account)
    await initialise(folder, binaries, account)
  })
  await copyDataFolder(template, target, account)
}

async function initialise(folder: string, binaries: Binaries, account: Account | undefined): Promise<void> {
  await runProgram(join(binaries.folder, 'initdb'), [
    '-D', folder, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--data-checksums', '--no-sync',
  ], { account, env: binaries.env })
}

/** Tells installations of the same version apart. FNV-1a, 32 bit. */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return hash.toString(16)
}
