import type { Command } from './command.js'

const JSON_OPTION = ['--json', 'Print the result as JSON'] as const

const CONFIG_OPTION = ['--config <file>', 'Options from a file; else from the environment: DATABASE_URL, DB_*'] as const

const BACKUP: Command = {
  name: 'backup',
  usage: 'backup <action> [what]',
  summary: 'Make, list, show, verify, restore, promote, schedule and clean up backups',
  options: [
    ['--config <file>', 'Options from a file; else from DATABASE_URL or DB_*, PGPASSWORD, BACKUP_DIR, RETENTION_DAYS, COMPRESSION, PARALLEL_JOBS'],
    ['--database <name>', 'Which one, when the file describes several'],
    ['--location <place>', 'Where backups are kept: file:./backups'],
    ['--identity-file <file>', 'Private keys (age), one a line: for verify and restore'],
    ['--recipient <key>', 'create: public key (age1…) to encrypt to; may be repeated'],
    ['--format <name>', 'create: custom, directory or plain'],
    ['--table <name>', 'create: only this table; may be repeated, * stands for any letters'],
    ['--exclude-table <name>', 'create: without this table; may be repeated'],
    ['--schema-only', 'create: no rows'],
    ['--data-only', 'create: rows alone'],
    ['--pin-days <n>', 'create: kept so long whatever the retention says'],
    ['--all', 'list: of every database in the store'],
    ['--level <n>', 'verify: 0 sizes, 1 hashes, 2 read through (default), 3 restored and compared'],
    ['--to <name>', 'restore: database to make or fill (default: a new one beside the original)'],
    ['--confirm <name>', 'restore: name of a target that is not empty; it is backed up, then replaced'],
    ['--no-owner', 'restore: everything belongs to whoever restores'],
    ['--no-privileges', 'restore: without grants'],
    ['--globals', 'restore: make the roles that are missing'],
    ['--jobs <n>', 'create, restore: processes at work, with format directory'],
    ['--dry-run', 'restore, cleanup: say what would be done'],
    ['--cron <expression>', 'schedule: when (default: backup.schedule of the file)'],
    ['--timezone <name>', 'schedule: whose time that is (default: UTC)'],
    JSON_OPTION,
  ],
  examples: [
    'sluice backup create --recipient age1…', 'sluice backup list', 'sluice backup verify latest --level 3', 'sluice backup restore latest --to shop_restored',
    'sluice backup restore ./old.dump --to shop_old', 'sluice backup promote shop_restored', 'sluice backup cleanup --dry-run',
    "sluice backup schedule --cron '0 3 * * *'", 'sluice backup health',
  ],
  load: async () => (await import('./commands/backup.js')).backup,
}

const MIGRATE: Command = {
  name: 'migrate',
  usage: 'migrate <action> [what]',
  summary: 'Apply, revert, list and mend versioned changes; exit code 2: locked, 3: dirty, 4: files and history differ, 5: lint',
  options: [
    CONFIG_OPTION,
    ['--database <name>', 'Which one, when the file describes several'],
    ['--dir <folder>', 'Where the migrations are (default: migrations, or what the file says)'],
    ['--service <name>', 'Which one, of several: down, to, version, create, force, resolve, baseline, import'],
    ['--schema <name>', 'Where the history is (default: sluice)'],
    ['--lock-timeout <ms>', 'Longest wait for another process that migrates (default: 60000)'],
    ['--allow-out-of-order <version>', 'up: apply it although a higher one is applied; may be repeated'],
    ['--dry-run', 'up, down, to: print the SQL and run nothing'],
    ['--rehearse', 'plan: run it in a transaction that is rolled back, and show the locks it took'],
    ['--all', 'lint: applied migrations, too'],
    ['--offline', 'lint: every file, without asking a server'],
    ['--statement <n>', 'resolve: the statement in doubt'],
    ['--outcome <word>', 'resolve: applied or not-applied'],
    ['--yes', 'repair: write the checksums of all changed files'],
    ['--table <name>', "import: the other tool's table, when it is not the default"],
    JSON_OPTION,
  ],
  examples: [
    'sluice migrate up', 'sluice migrate up 1 --dry-run', 'sluice migrate down', 'sluice migrate to 12', 'sluice migrate status',
    'sluice migrate plan --json', 'sluice migrate plan --rehearse', 'sluice migrate lint', 'sluice migrate lint --offline --json', 'sluice migrate create add_email', 'sluice migrate resolve 12 --statement 2 --outcome applied',
    'sluice migrate force 12', 'sluice migrate force none', 'sluice migrate baseline 12', 'sluice migrate repair --yes',
    'sluice migrate import golang-migrate', 'sluice migrate drift', 'sluice migrate history',
  ],
  load: async () => (await import('./commands/migrate.js')).migrate,
}

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'demo',
    usage: 'demo',
    summary: 'Start a real primary with replicas, load them, kill a replica and the primary, and prove that nothing was lost',
    options: [
      ['--seconds <n>', 'How long to apply load, at least (default: 20)'],
      ['--replicas <n>', 'Replicas beside the primary (default: 2)'],
      ['--engine <name>', 'Database engine (default: postgres)'],
      ['--plain', 'Lines instead of a table redrawn in place (the default without a terminal)'],
      JSON_OPTION,
    ],
    examples: ['sluice demo', 'sluice demo --plain --seconds 5', 'DATABASE_URL=postgres://app:secret@db1/shop sluice demo'],
    load: async () => (await import('./commands/demo.js')).demo,
  },
  {
    name: 'explain-route',
    usage: 'explain-route <sql>',
    summary: 'Say where a statement would run, and why; asks no server',
    options: [['--engine <name>', 'Database engine (default: postgres)'], JSON_OPTION],
    examples: ["sluice explain-route 'select * from users'", "sluice explain-route \"select nextval('ids')\" --json"],
    load: async () => (await import('./commands/explain-route.js')).explainRoute,
  },
  {
    name: 'status',
    usage: 'status [database]',
    summary: 'Show every node with its role, state and lag; exit code 1 when the database cannot be worked with',
    options: [CONFIG_OPTION, JSON_OPTION],
    examples: ['DATABASE_URL=postgres://app:secret@db1/shop sluice status', 'sluice status shop --config sluice.yaml --json'],
    load: async () => (await import('./commands/status.js')).status,
  },
  {
    name: 'connections',
    usage: 'connections',
    summary: 'Show the sessions on the primary and who waits for whom; exit code 1 when somebody waits for a lock',
    options: [CONFIG_OPTION, JSON_OPTION],
    examples: ['sluice connections --config sluice.yaml'],
    load: async () => (await import('./commands/connections.js')).connections,
  },
  {
    name: 'analyze',
    usage: 'analyze <sql>',
    summary: 'Show the plan of a statement, with advice',
    options: [
      ['--run', 'Run and measure it; what it changes is rolled back'], ['--timeout <ms>', 'Longest run, in milliseconds (default: 30000)'],
      CONFIG_OPTION, JSON_OPTION,
    ],
    examples: ['sluice analyze "select * from users where id = 1" --run'],
    load: async () => (await import('./commands/analyze.js')).analyze,
  },
  {
    name: 'doctor',
    usage: 'doctor',
    summary: 'Look for what goes wrong in practice: reachability, roles, lag, encryption, limits, locks; exit code 1 on failures',
    options: [CONFIG_OPTION, JSON_OPTION],
    examples: ['sluice doctor --config sluice.yaml'],
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  MIGRATE,
  BACKUP,
  {
    name: 'config',
    usage: 'config [file]',
    summary: 'Print the configuration of a file or of the environment, complete and with secrets masked',
    options: [['--database <name>', 'Which one, when the file describes several'], JSON_OPTION],
    examples: ['sluice config sluice.yaml', 'DATABASE_URL=postgres://app:secret@db1/shop sluice config'],
    load: async () => (await import('./commands/config.js')).config,
  },
]
