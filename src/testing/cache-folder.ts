import { lstatSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const DAY_MS = 24 * 60 * 60 * 1_000
const KEPT_MS = 2 * DAY_MS

/**
 * A folder in the system's temporary folder that is built once and then shared by all test processes of this user.
 *
 * Its name carries the day: programs that tidy temporary folders remove old files one by one, and half a folder is worse
 * than none. Folders of earlier days are deleted. It appears under its name by a rename, complete or not at all.
 *
 * @param build - fills the folder it is given; it may run twice at the same time in two processes, one result is kept
 * @param ownerUid - a folder of that name that belongs to another user is not trusted
 */
export async function cacheFolder(
  prefix: string, ownerUid: number | undefined, build: (folder: string) => Promise<void>,
): Promise<string> {
  const stamp = new Date().toISOString().slice(0, 10)
  const folder = join(tmpdir(), `${prefix}-${stamp}`)
  if (isTrusted(folder, ownerUid)) return folder
  const draft = await mkdtemp(join(tmpdir(), `${prefix}-draft-`))
  try {
    const inner = join(draft, 'built')
    await mkdir(inner)
    await build(inner)
    await rename(inner, folder).catch(() => {
      // Another process was faster, or the name is taken by a stranger: then the draft itself is used.
    })
    if (!isTrusted(folder, ownerUid)) return inner
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  await rm(draft, { recursive: true, force: true })
  await removeOlder(prefix)
  return folder
}

function isTrusted(folder: string, ownerUid: number | undefined): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && (ownerUid === undefined || stats.uid === ownerUid)
}

/** Best effort: what belongs to others stays. */
async function removeOlder(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(`${prefix}-`)) continue
    const day = Date.parse(name.slice(prefix.length + 1))
    if (!(Date.now() - day > KEPT_MS)) continue
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
  }
}
