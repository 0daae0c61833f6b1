import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import type { DumpTools, ToolName } from '../core/dump.js'
import { BackupError } from './errors.js'
import { runProgram } from './process.js'

const VERSION_TIMEOUT_MS = 10_000

/** A program of the engine on this machine. */
export interface Tool {
  readonly file: string
  readonly version: number
  /** What `--version` said. */
  readonly said: string
}

/** Where to look. */
export interface ToolSearch {
  readonly tools: DumpTools
  /** Folder that was named in the options: nowhere else is looked then. */
  readonly folder: string | undefined
  /** `PATH`. */
  readonly path: string | undefined
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function folders({ tools, folder, path }: ToolSearch): string[] {
  if (folder !== undefined) return [folder]
  const packaged = tools.homes.flatMap(({ parent, prefix }) => existsSync(parent)
    ? readdirSync(parent).filter((name) => name.startsWith(prefix)).map((name) => join(parent, name, 'bin')) : [])
  return [...packaged, ...(path ?? '').split(delimiter).filter(isAbsolute)]
}

/** Every program of that name here, each once; those that do not say their version are passed over. */
async function found(search: ToolSearch, name: ToolName): Promise<Tool[]> {
  const names = search.tools.programs[name] ?? []
  const files = new Map(folders(search).flatMap((folder) => names.map((program) => join(folder, program)))
    .filter(executable).map((file) => [realpathSync(file), file]))
  const all = await Promise.all([...files.values()].map(async (file) => {
    const said = (await runProgram({ file, args: ['--version'], env: {} }, { timeoutMs: VERSION_TIMEOUT_MS }).catch(() => '')).trim()
    const version = search.tools.versionOf(said)
    return version === undefined ? [] : [{ file, version, said }]
  }))
  return all.flat()
}

/**
 * The program for a server: of those that can serve it, the one closest to its version.
 *
 * @throws {@link BackupError} `toolMissing`, one line: what is needed, what is here, and the package that has it
 */
export async function findTool(search: ToolSearch, name: ToolName, serverVersion: number): Promise<Tool> {
  const { tools } = search
  const all = await found(search, name)
  const [best] = all.filter(({ version }) => tools.suits(version, serverVersion)).sort((a, b) => a.version - b.version)
  if (best) return best
  const program = tools.programs[name]?.[0] ?? name
  const here = all.length === 0 ? 'none is here' : `here: ${all.map(({ file, version }) => `${tools.shownVersion(version)} (${file})`).join(', ')}`
  throw new BackupError('toolMissing', `${program} ${tools.shownVersion(serverVersion)} or later is needed for this server; ${here}`
    + `${search.folder === undefined ? '' : ` (looked only in ${search.folder}, as backup.toolsDir says)`}; install ${tools.packageFor(serverVersion)}`, {
    hint: `apt-get install ${tools.packageFor(serverVersion)}, or set backup.toolsDir to the folder that has it`,
  })
}
