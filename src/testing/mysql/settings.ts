import type { Flavour } from './flavour.js'

/** Options of every node, wherever it runs: without dashes, a user's own win over them. */
export function nodeSettings(flavour: Flavour, serverId: number): Readonly<Record<string, string>> {
  return {
    'server-id': String(serverId), 'log-bin': 'binlog', 'skip-name-resolve': 'ON', 'character-set-server': 'utf8mb4', 'max-connections': '151',
    // Nothing in a test cluster has to survive a power cut.
    'innodb-flush-log-at-trx-commit': '2', 'sync-binlog': '0', 'innodb-buffer-pool-size': '32M', 'innodb-doublewrite': 'OFF',
    ...flavour.settings,
  }
}

/** As arguments of the server program. */
export function optionsOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`)
}

/** An option's name as a server variable. */
export function variableOf(option: string): string {
  return option.replaceAll('-', '_')
}
