import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../cache-folder.js'
import { copyDataFolder, give } from '../server-files.js'
import type { Account } from '../process.js'
import type { Flavour, Programs } from './flavour.js'

/**
 * Makes a fresh data folder at `target`. Making one takes seconds and always does the same, so its result is kept as a
 * template and copied; the copy gets an identity of its own at its first start.
 */
export async function freshDataFolder(target: string, flavour: Flavour, programs: Programs, account: Account | undefined): Promise<void> {
  const owner = account?.uid ?? process.getuid?.()
  const template = await cacheFolder(`sluice-${flavour.engine}-template-${programs.version}-${owner ?? 'me'}`, owner, async (folder) => {
    await give(folder, account)
    // The draft lies in a folder only its maker may enter; the server's user must pass through.
    if (account) await give(join(folder, '..'), account)
    await flavour.initialise(folder, programs, account)
    // the name MySQL knows itself by
    await rm(join(folder, 'auto.cnf'), { force: true })
  })
  await copyDataFolder(template, target, account)
}
