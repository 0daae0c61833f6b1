import { checksumOf } from '../checksum.js'
import { codeScript, sqlScript, versionOf } from '../load.js'
import { loadError } from '../load-error.js'
import type { Migration } from '../migration.js'
import { readSource, type MigrationSourceOptions, type SourceFile } from '../source.js'
import type { ScriptFacts } from '../transaction-control.js'

/** Rows a database begins with. Kind `S`; version 0: run again whenever its file has changed. */
export interface Seed extends Migration {
  /** Where it is applied; empty: everywhere. */
  readonly environments: readonly string[]
}

const NUMBERED = /^([0-9]+)_([^.]+)((?:\.[A-Za-z][\w-]*)*)\.(sql|m?ts|[mc]?js)$/
const REPEATABLE = /^R__([^.]+)((?:\.[A-Za-z][\w-]*)*)\.sql$/
const NAMES = 'names are 000001_countries.sql, 000002_demo_users.development.test.sql, 000003_rates.ts, or R__settings.sql'

/**
 * Reads and checks every file, of all environments.
 *
 * @throws ConfigError a file that is none of ours, a number twice, a directive that makes no sense here
 */
export async function loadSeeds(sources: readonly MigrationSourceOptions[], facts: ScriptFacts): Promise<Seed[]> {
  const seeds: Seed[] = []
  for (const source of sources) {
    const own = (await readSource(source)).map((file) => seedOf(source.service, file, facts))
    const twice = own.find((seed, index) => seed.version > 0 && own.findIndex(({ version }) => version === seed.version) !== index)
    if (twice) throw loadError(twice.up.path, `the number ${String(twice.version)} is there twice`, 'give one of the two another number')
    seeds.push(...own.toSorted((a, b) => Number(a.version === 0) - Number(b.version === 0) || a.version - b.version || (a.name < b.name ? -1 : 1)))
  }
  return seeds
}

function seedOf(service: string, file: SourceFile, facts: ScriptFacts): Seed {
  const repeatable = REPEATABLE.exec(file.name)
  const [, digits = '', numbered = '', tags = ''] = NUMBERED.exec(file.name) ?? []
  if (!repeatable && digits === '') throw loadError(file.path, 'is no seed', NAMES)
  const version = repeatable ? 0 : versionOf(digits, file.path)
  if (!repeatable && version === 0) throw loadError(file.path, 'the numbers of seeds begin with 1', NAMES)
  const [, name = numbered, environments = tags] = repeatable ?? []
  return {
    service, kind: 'S', version, name: `${name} (seed)`, up: scriptOf(file, facts), down: undefined, checksum: checksumOf(file.text),
    requires: [], irreversible: true, squashes: false, environments: environments.split('.').filter((tag) => tag !== ''),
  }
}

function scriptOf(file: SourceFile, facts: ScriptFacts): Migration['up'] {
  if (!file.name.endsWith('.sql')) {
    const script = codeScript(file, 'up')
    if (script) return script
    throw loadError(file.path, 'has no function up', 'write: export async function up({ tx }) { … }')
  }
  const script = sqlScript(file, facts)
  if (script.directives.noTransaction) throw loadError(file.path, '-- sluice:no-transaction in a seed, which is rows and can be undone', 'take it out; what changes the schema is a migration')
  return script
}
