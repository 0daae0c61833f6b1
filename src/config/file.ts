import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import { ConfigError } from '../core/errors.js'
import { load } from '../core/load.js'
import { checkOptions } from './check.js'
import { environment, optionsFromEnvironment, type Environment } from './env.js'
import { isRecord } from './fields.js'
import { interpolate } from './interpolate.js'
import type { DatabaseOptions } from './options.js'
import { configError, describeGot, shownName, type Origins, type Problem } from './problem.js'
import { defined, expandShorthands } from './shorthands.js'
import { optionsFromSpelling } from './spellings.js'

/** What a file holds: the options of one database, or (`dbs:`, `databases:`) those of several by name. */
export interface LoadedConfig extends DatabaseOptions {
  readonly databases?: Readonly<Record<string, DatabaseOptions>> | undefined
}

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /** Where `${NAME}` is looked up; default: the environment of the process. */
  readonly env?: Environment | undefined
}

/**
 * Reads options from a `.yaml`, `.yml`, `.json`, `.js`, `.mjs`, `.ts` or `.env` file. `${NAME}` and `${NAME:-default}`
 * are replaced from the environment; names may be written in snake_case; durations may be texts (`30s`). The options
 * are checked; addresses that the file leaves out come from the environment when a database is opened with them.
 *
 * @throws ConfigError naming file, option, what was expected and what came
 * @example const db = await Database.open(await loadConfig('sluice.yaml'))
 */
export async function loadConfig(path: string, options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  const file = basename(path)
  const env = options.env ?? environment()
  const extension = file.startsWith('.env') ? '.env' : extname(file).toLowerCase()
  switch (extension) {
    case '.env': return fromEnvFile(await read(path), file)
    case '.yaml': case '.yml': return fromContent(await parseYaml(await read(path), file), env, file)
    case '.json': return fromContent(await parseJson(await read(path), file), env, file)
    case '.js': case '.mjs': case '.cjs': case '.ts': case '.mts': case '.cts': return fromContent(await importModule(path), env, file)
    default: throw new ConfigError(`${file}: expected a file ending in .yaml, .yml, .json, .js, .mjs, .ts or .env, got '${extension}'`)
  }
}

async function read(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code
    throw new ConfigError(`${path}: expected a file that can be read, got ${typeof code === 'string' ? code : 'an error'}`, { cause, hint: 'the path is relative to the working directory' })
  }
}

function fromEnvFile(text: string, file: string): LoadedConfig {
  try {
    const { options, origins } = optionsFromEnvironment(parseEnv(text))
    return checked(options, origins)
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    throw new ConfigError(`${file}: ${thrown.message}`, { option: thrown.option, hint: thrown.hint })
  }
}

/**
 * Options as a file would hold them, in any of the spellings.
 *
 * @param source - what the errors call it
 */
export function configFromContent(content: unknown, source: string): LoadedConfig {
  return fromContent(content, environment(), source)
}

function fromContent(content: unknown, env: Environment, file: string): LoadedConfig {
  const problems: Problem[] = []
  const filled = interpolate(content, env, problems)
  if (problems.length > 0) throw configError(problems, undefined, file)
  if (!isRecord(filled)) throw configError([{ path: 'content', expected: 'an object of options', got: describeGot(filled, false), hint: undefined }], undefined, file)
  const several = ['dbs', 'databases'].find((name) => name in filled)
  return several === undefined ? oneDatabase(filled, '', file) : { databases: namedDatabases(filled, several, file) }
}

function namedDatabases(content: Readonly<Record<string, unknown>>, name: string, file: string): Record<string, DatabaseOptions> {
  const refuse = (path: string, expected: string, got: string): never => {
    throw configError([{ path, expected, got, hint: undefined }], undefined, file)
  }
  const other = Object.keys(content).find((one) => one !== name)
  if (other !== undefined) return refuse(shownName(other), `nothing beside ${name}`, 'an option')
  const list = content[name]
  if (!isRecord(list)) return refuse(name, 'an object of databases by name', describeGot(list, false))
  const entries = Object.entries(list).map(([key, options]): [string, DatabaseOptions] => {
    const path = `${name}.${key}`
    if (typeof options === 'string') return [key, { primary: options }]
    return [key, isRecord(options) ? oneDatabase(options, path, file) : refuse(path, 'a URL or an object of options', describeGot(options, false))]
  })
  return Object.fromEntries(entries)
}

function oneDatabase(content: Readonly<Record<string, unknown>>, base: string, file: string): DatabaseOptions {
  const { options, origins } = optionsFromSpelling(content, base, file)
  return checked(options, origins, file)
}

function checked(options: DatabaseOptions, origins: Origins, file?: string): DatabaseOptions {
  checkOptions(expandShorthands(options), origins, file)
  return defined(options)
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await load('yaml', () => import('yaml'), 'loadConfig of a YAML file')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const wrong = document.errors[0] ?? document.warnings[0]
  // Only the code is shown: messages may quote the line, and with it a password.
  if (wrong !== undefined) throw syntaxError(file, 'YAML', lines.linePos(wrong.pos[0]), wrong.code.toLowerCase().replaceAll('_', ' '))
  try {
    return document.toJS() as unknown
  } catch {
    throw new ConfigError(`${file}: expected valid YAML, got an alias without its anchor, or too many of them`)
  }
}

async function parseJson(text: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown
  } catch (thrown) {
    const offset = /position (\d+)/.exec(thrown instanceof Error ? thrown.message : '')?.[1]
    if (offset === undefined) await parseYaml(text, file)
    throw syntaxError(file, 'JSON', offset === undefined ? undefined : positionOf(text, Number(offset)), 'a syntax error')
  }
}

function positionOf(text: string, offset: number): { line: number; col: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 }
}

function syntaxError(file: string, language: string, at: { line: number; col: number } | undefined, what: string): ConfigError {
  const place = at === undefined ? '' : ` at line ${String(at.line)}, column ${String(at.col)}`
  return new ConfigError(`${file}: expected valid ${language}, got ${what}${place}`)
}

async function importModule(path: string): Promise<unknown> {
  const file = basename(path)
  let module: { readonly default?: unknown; readonly config?: unknown }
  try {
    module = await import(pathToFileURL(resolve(path)).href) as typeof module
  } catch (cause) {
    throw moduleError(file, cause)
  }
  const content = module.default ?? module.config
  return typeof content === 'function' ? await (content as () => unknown)() : content
}

/** Why a module could not be loaded, without its message: that may quote the source, and with it a password. */
export function moduleError(file: string, cause: unknown): ConfigError {
  const code = (cause as { code?: unknown } | null)?.code
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return new ConfigError(`${file}: expected a runtime that can load TypeScript, got one that cannot (Node.js ${process.versions.node})`, {
      cause, hint: 'use Node.js 22.18 or newer, or write the file as .js, .yaml or .json',
    })
  }
  const what = typeof code === 'string' ? code : cause instanceof Error ? cause.name : 'an error'
  return new ConfigError(`${file}: expected a module that exports options as default, got ${what} while loading it`, { cause })
}
