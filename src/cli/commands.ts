import type { Command } from './command.js'

const JSON_OPTION = ['--json', 'Print the result as JSON'] as const

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'demo',
    usage: 'demo',
    summary: 'Start a real primary with replicas, load them, kill a replica, and prove that nothing was lost',
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
    name: 'config',
    usage: 'config [file]',
    summary: 'Print the configuration of a file or of the environment, complete and with secrets masked',
    options: [['--database <name>', 'Which one, when the file describes several'], JSON_OPTION],
    examples: ['sluice config sluice.yaml', 'DATABASE_URL=postgres://app:secret@db1/shop sluice config'],
    load: async () => (await import('./commands/config.js')).config,
  },
]
