import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkedModule, importMigration, type MigrationModule } from './code.js'
import { loadError } from './load-error.js'

/** Migrations of one service in a folder: a path, a `file:` URL, or `package:name/folder` for an installed package. */
export interface FolderSource {
  readonly service: string
  readonly dir: string | URL
}

/** Migrations given in memory, by file name: SQL text, or a module with `up` and `down`. For bundled programs. */
export interface MemorySource {
  readonly service: string
  readonly files: Readonly<Record<string, string | MigrationModule>>
}

/** Where migrations come from. */
export type MigrationSourceOptions = FolderSource | MemorySource

/** One file, read. */
export interface SourceFile {
  readonly name: string
  /** For people. */
  readonly path: string
  /** Its text; of modules given in memory, their functions' text. */
  readonly text: string
  readonly module: MigrationModule | undefined
}

const CODE = /\.(m?ts|[mc]?js)$/
/** Not migrations, and at home in such a folder. */
const IGNORED = /^\.|^readme|\.md$|\.d\.m?ts$|\.map$/i

/** Reads all files of a source, sorted by name. */
export async function readSource(source: MigrationSourceOptions): Promise<SourceFile[]> {
  return 'files' in source ? fromMemory(source) : fromFolder(source)
}

async function fromMemory({ service, files }: MemorySource): Promise<SourceFile[]> {
  return Object.entries(files).sort(byName).map(([key, content]) => {
    const name = key.slice(key.lastIndexOf('/') + 1)
    const path = `${service}/${name}`
    if (typeof content === 'string') return { name, path, text: content, module: undefined }
    const module = checkedModule(content, path)
    return { name, path, text: `${module.up.toString()}\n${module.down?.toString() ?? ''}`, module }
  })
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

async function fromFolder({ dir }: FolderSource): Promise<SourceFile[]> {
  const folder = folderPath(dir)
  const entries = await list(folder)
  return Promise.all(entries.map(async (name) => {
    const path = join(folder, name)
    const [text, module] = await Promise.all([readFile(path, 'utf8'), CODE.test(name) ? importMigration(path) : undefined])
    return { name, path, text, module }
  }))
}

async function list(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && !IGNORED.test(entry.name)).map((entry) => entry.name).sort()
  } catch (cause) {
    const { code } = cause as { code?: unknown }
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause
    throw loadError(folder, 'expected a folder with migrations, found none', 'check migrations.dir, or make the first one: sluice migrate create <name>')
  }
}

/** The folder as a path of this machine. @throws ConfigError the package is not installed */
export function folderPath(dir: string | URL): string {
  if (dir instanceof URL) return fileURLToPath(dir)
  if (dir.startsWith('file:')) return fileURLToPath(dir)
  const packaged = /^package:((?:@[^/]+\/)?[^/]+)\/?(.*)$/.exec(dir)
  if (!packaged) return resolve(dir)
  const [, name = '', rest = ''] = packaged
  try {
    return join(dirname(createRequire(pathToFileURL(`${process.cwd()}/`)).resolve(`${name}/package.json`)), rest)
  } catch {
    throw loadError(dir, `the package '${name}' is not installed, or hides its package.json`, `run: npm install ${name}`)
  }
}
