// The repository's files: what git tracks or would with `git add`; in an archive without git, what lies in the folder.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** Folders of .gitignore: made or fetched, not written. */
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage', 'temp', 'api-docs', '.vitest'])

/** Paths with `/`, relative to the working directory. */
export function repositoryFiles() {
  return (tracked() ?? walked('')).filter((path) => existsSync(path) && statSync(path).isFile())
}

/** `undefined` in a folder that is no repository, where there is no git, or where it does not trust the folder's owner. */
function tracked() {
  // A repository further up is another project's: it may ignore everything here.
  if (!existsSync('.git')) return undefined
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  try {
    const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], options)
    return list.split('\0').filter((path) => path !== '')
  } catch {
    return undefined
  }
}

function walked(folder) {
  return readdirSync(folder || '.', { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name) || /\.(log|tgz)$/.test(entry.name)) return []
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? walked(path) : [path]
  })
}

// Run as a program it prints them, each with a NUL behind it.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(repositoryFiles().map((path) => `${path}\0`).join(''))
}
