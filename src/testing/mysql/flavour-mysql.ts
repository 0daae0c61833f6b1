import { runProgram } from '../process.js'
import type { AdminQuery } from './admin.js'
import type { Flavour } from './flavour.js'
import { countOfSet } from './gtid-sets.js'

/** MySQL 8.4 and later. */
export const mysqlFlavour: Flavour = {
  engine: 'mysql',
  title: 'MySQL',
  image: (major) => `mysql:${String(major ?? '8.4')}`,
  settings: {
    'gtid-mode': 'ON', 'enforce-gtid-consistency': 'ON', 'mysqlx': 'OFF', 'secure-file-priv': 'NULL',
    'innodb-redo-log-capacity': '16M', 'admin-port': '0', 'performance-schema': 'ON',
  },
  readOnly: 'super-read-only',
  urlVariable: 'SLUICE_TEST_MYSQL_URL',
  replicaUrlsVariable: 'SLUICE_TEST_MYSQL_REPLICA_URLS',
  async initialise(folder, programs, account) {
    await runProgram(programs.file, [
      ...programs.before, '--no-defaults', '--initialize-insecure', `--datadir=${folder}`, '--innodb-redo-log-capacity=16M', ...programs.after,
    ], { account, env: programs.env, timeoutMs: 120_000 })
  },
  async follow(query, { host, port, user, password }) {
    await query(`change replication source to source_host = '${host}', source_port = ${port}, source_user = '${user}',`
      + ` source_password = '${password}', source_auto_position = 1, get_source_public_key = 1, source_connect_retry = 1,`
      + ' source_heartbeat_period = 1, source_delay = 0')
    await query('start replica')
  },
  stopReplica: async (query) => { await query('stop replica') },
  startReplica: async (query) => { await query('start replica') },
  stopReceiver: async (query) => { await query('stop replica io_thread') },
  stopApplier: async (query) => { await query('stop replica sql_thread') },
  startApplier: async (query) => { await query('start replica sql_thread') },
  forgetHistory: async (query) => { await query('reset binary logs and gtids') },
  forgetSource: async (query) => { await query('reset replica all') },
  setDelaySeconds: async (query, seconds) => { await query(`change replication source to source_delay = ${seconds}`) },
  async status(query) {
    const [row] = await query('show replica status')
    if (!row) return undefined
    return {
      receiving: row['Replica_IO_Running'] === 'Yes', applying: row['Replica_SQL_Running'] === 'Yes',
      received: String(row['Retrieved_Gtid_Set']), delaySeconds: Number(row['SQL_Delay']),
      error: [row['Last_IO_Error'], row['Last_SQL_Error']].map(String).filter(Boolean).join('; '),
    }
  },
  executed: async (query) => only(await query('select @@global.gtid_executed as value')),
  history: async (query) => only(await query('select @@global.gtid_executed as value')),
  count: countOfSet,
  missing: async (query, executed, history) => only(await query(`select gtid_subtract('${executed}', '${history}') as value`)),
  waitFor: async (query, position, seconds) => only(await query(`select wait_for_executed_gtid_set('${position}', ${seconds}) as value`)) === '0',
}

/** The one value of an answer, without the line breaks sets are written with. */
function only(rows: Awaited<ReturnType<AdminQuery>>): string {
  const value = rows[0]?.['value'] as string | number | null | undefined
  return String(value ?? '').replaceAll('\n', '')
}
