// Rules of this house that no linter knows: texts that must not stand in tracked files (`any` is ESLint's). Patterns are written so that
// this file does not break its own rules.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { repositoryFiles } from './repository-files.js'

/** @typedef {{ path: string, text: string }} SourceFile */
/** @typedef {{ name: string, instead: string, applies: (path: string) => boolean, pattern: RegExp }} Rule */

const typescript = (path) => /\.[cm]?ts$/.test(path)
const code = (path) => /^(src|test|bench|scripts|examples)\//.test(path)
const tests = (path) => path.startsWith('test/') && typescript(path)
const shared = (path) => path.startsWith('src/') && !/^src\/(drivers|testing|config)\//.test(path)

/** @type {readonly Rule[]} */
export const RULES = [
  {
    name: 'no-engine-names',
    instead: 'ask the dialect for a feature or a probe',
    applies: shared,
    pattern: /((===|!==|==|!=|\bcase) *|\.(startsWith|includes)\()['"`](postgres|postgresql|mysql|mariadb|sqlite|pglite)['"`]/,
  },
  {
    name: 'no-silenced-checks',
    instead: 'mend the code, or change the rule for everyone with its reason',
    applies: code,
    pattern: /@ts-(ignore|nocheck)|eslint-[d]isable|[vc]8 ignore|istanbul [i]gnore/,
  },
  {
    name: 'nothing-left-for-later',
    instead: 'finish it, or describe it in an issue',
    applies: code,
    pattern: /\b(T[O]DO|F[I]XME|X[X]X|H[A]CK|not [i]mplemented|un[i]mplemented)\b/,
  },
  {
    name: 'no-skipped-tests',
    instead: 'a missing server must fail the test, not skip it',
    applies: tests,
    pattern: /\b(it|test|describe|suite)\.(skip|only|todo|skipIf|runIf)\b/,
  },
  {
    name: 'no-long-sleeps-in-tests',
    instead: 'wait for the condition',
    applies: tests,
    pattern: /setTimeout\([^,]*, *\d[\d_]{3,}\)|\bsleep\(\d[\d_]{3,}/,
  },
  {
    name: 'no-registry-hosts',
    instead: 'leave the registry to the reader\'s own configuration',
    applies: (path) => path !== 'package-lock.json',
    pattern: /https?:\/\/(registry|deb|security)\.[a-z.]+\.(org|com)\b/i,
  },
  {
    name: 'no-registry-hosts-in-the-lock',
    instead: 'npm config set omit-lockfile-registry-resolved true (.npmrc does it), then npm install --package-lock-only',
    applies: (path) => path === 'package-lock.json',
    pattern: /"resolved": "https?:/,
  },
  {
    name: 'no-machine-paths',
    instead: 'use a path relative to the repository or the system\'s temporary folder',
    applies: () => true,
    pattern: /(^|[\s'"`(=:])\/(work|root|Users|home\/[a-z]\w*)\/[\w.]/,
  },
]

/** Folders that may start programs, each through one file. */
const CHILD_PROCESS_FOLDERS = ['testing', 'backup']
const IMPORTS_CHILD_PROCESS = /(from|import\(|require\()\s*['"](node:)?child_process['"]/

/**
 * @param {readonly SourceFile[]} files
 * @returns {string[]} one line per finding: `path:line rule: instead`
 */
function ownersOfChildProcess(files) {
  return CHILD_PROCESS_FOLDERS.flatMap((folder) => {
    const owners = files.filter((file) => file.path.startsWith(`src/${folder}/`) && IMPORTS_CHILD_PROCESS.test(file.text))
    return owners.length <= 1 ? [] : owners.map((file) => `${file.path}:1 one-child-process-owner: one file of src/${folder}/ starts programs, the others ask it`)
  })
}

/**
 * @param {readonly SourceFile[]} files
 * @returns {string[]} one line per finding, empty when the house is in order
 */
export function findings(files) {
  const found = []
  for (const file of files) {
    const rules = RULES.filter((rule) => rule.applies(file.path))
    if (rules.length === 0) continue
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const rule of rules) {
        if (rule.pattern.test(line)) found.push(`${file.path}:${index + 1} ${rule.name}: ${rule.instead}`)
      }
    }
  }
  return [...found, ...ownersOfChildProcess(files)]
}

/** Every text file of the repository. */
function textFiles() {
  return repositoryFiles().map((path) => ({ path, text: readFileSync(path, 'utf8') }))
    .filter((file) => !file.text.includes('\0'))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = findings(textFiles())
  for (const line of found) console.error(line)
  process.exitCode = found.length === 0 ? 0 : 1
}
