import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** A project somewhere else that has installed the packed package, as a user would. */
export interface Consumer {
  readonly folder: string
  /** Runs a script of the project with this Node. */
  run(file: string, text: string, ...nodeOptions: string[]): { stdout: string, stderr: string }
  remove(): void
}

const files = (folder: string, ending: string): string[] => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(ending)).map((entry) => join(entry.parentPath, entry.name))

/** Paths of all built modules; what is in a folder `assets` is text that a module reads. */
export function builtModules(): string[] {
  return files('dist', '.js').filter((file) => !file.includes('/assets/'))
}

/** What is tested must be what the source says: a stale dist/ fails loudly. */
function assertFreshBuild(): void {
  for (const source of files('src', '.ts')) {
    const built = source.replace(/^src/, 'dist').replace(/\.ts$/, '.js')
    if (!existsSync(built)) throw new Error(`${built} is missing: run npm run build`)
    if (statSync(built).mtimeMs < statSync(source).mtimeMs) throw new Error(`${built} is older than ${source}: run npm run build`)
  }
}

export function installPacked(): Consumer {
  assertFreshBuild()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'))
  const npm = (...args: string[]): string => execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const tarball = npm('pack', '--ignore-scripts', '--silent', '--pack-destination', folder).trim().split('\n').at(-1) ?? ''
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  npm('install', '--prefix', folder, '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, tarball))
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  // whoever uses an entry for a framework has the framework
  symlinkSync(resolve('node_modules/fastify'), join(folder, 'node_modules/fastify'))
  if (!existsSync(join(folder, 'node_modules/@types/node'))) symlinkSync(resolve('node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  return {
    folder,
    run: (file, text, ...nodeOptions) => {
      writeFileSync(join(folder, file), text)
      const stderr = join(folder, `${file}.stderr`)
      const stdout = execFileSync('sh', ['-c', 'node "$@" 2> "$0"', stderr, ...nodeOptions, file], { cwd: folder, encoding: 'utf8' })
      return { stdout, stderr: execFileSync('cat', [stderr], { encoding: 'utf8' }) }
    },
    remove: () => { rmSync(folder, { recursive: true, force: true }) },
  }
}
