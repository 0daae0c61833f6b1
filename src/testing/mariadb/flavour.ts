import { TestClusterError } from '../errors.js'
import type { AdminQuery } from '../mysql/admin.js'
import type { Flavour } from '../mysql/flavour.js'
import { countOfPosition } from '../mysql/gtid-sets.js'
import { runProgram } from '../process.js'

/** MariaDB 10.5 and later. */
export const mariadbFlavour: Flavour = {
  engine: 'mariadb',
  title: 'MariaDB',
  image: (major) => `mariadb:${String(major ?? '11')}`,
  settings: { 'gtid-strict-mode': 'ON', 'innodb-log-file-size': '16M', 'log-slave-updates': 'ON', 'slave-net-timeout': '10' },
  readOnly: 'read-only',
  urlVariable: 'SLUICE_TEST_MARIADB_URL',
  replicaUrlsVariable: 'SLUICE_TEST_MARIADB_REPLICA_URLS',
  async initialise(folder, programs, account) {
    if (programs.installer === undefined) throw new TestClusterError('mariadb-install-db is not there')
    await runProgram(programs.installer, [
      '--no-defaults', `--datadir=${folder}`, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve',
      '--innodb-log-file-size=16M',
    ], { account, env: programs.env, timeoutMs: 120_000 })
  },
  async follow(query, { host, port, user, password }) {
    // a former primary goes on after its own last transaction, which it has not replicated from anyone
    await query('set global gtid_slave_pos = @@global.gtid_current_pos')
    await query(`change master to master_host = '${host}', master_port = ${port}, master_user = '${user}', master_password = '${password}',`
      + ' master_use_gtid = slave_pos, master_connect_retry = 1, master_heartbeat_period = 1, master_delay = 0')
    await query('start slave')
  },
  stopReplica: async (query) => { await query('stop slave') },
  startReplica: async (query) => { await query('start slave') },
  stopReceiver: async (query) => { await query('stop slave io_thread') },
  stopApplier: async (query) => { await query('stop slave sql_thread') },
  startApplier: async (query) => { await query('start slave sql_thread') },
  forgetHistory: async (query) => {
    await query('reset master')
    await query("set global gtid_slave_pos = ''")
  },
  forgetSource: async (query) => { await query('reset slave all') },
  setDelaySeconds: async (query, seconds) => { await query(`change master to master_delay = ${seconds}`) },
  async status(query) {
    const [row] = await query('show slave status')
    if (!row) return undefined
    return {
      receiving: row['Slave_IO_Running'] === 'Yes', applying: row['Slave_SQL_Running'] === 'Yes', received: String(row['Gtid_IO_Pos']),
      delaySeconds: Number(row['SQL_Delay']),
      error: [row['Last_IO_Error'], row['Last_SQL_Error']].map(String).filter(Boolean).join('; '),
    }
  },
  executed: async (query) => only(await query('select @@global.gtid_current_pos as value')),
  history: async (query) => only(await query('select @@global.gtid_binlog_state as value')),
  count: countOfPosition,
  missing: (_, executed, history) => Promise.resolve(missingOf(executed, history)),
  waitFor: async (query, position, seconds) => only(await query(`select master_gtid_wait('${position}', ${seconds}) as value`)) === '0',
}

function only(rows: Awaited<ReturnType<AdminQuery>>): string {
  const value = rows[0]?.['value'] as string | number | null | undefined
  return String(value ?? '')
}

/**
 * A position holds the last transaction of each domain. The other server's history holds the last of each domain and server:
 * whether it is ahead says nothing, since it may have gone on from an earlier one.
 */
function missingOf(executed: string, history: string): string {
  const last = new Map(history.split(',').map((gtid): [string, number] => {
    const [domain = '', server = '', sequence = '0'] = gtid.split('-')
    return [`${domain}-${server}`, Number(sequence)]
  }))
  return executed.split(',').filter((gtid) => {
    const [domain = '', server = '', sequence = '0'] = gtid.split('-')
    return gtid !== '' && Number(sequence) > (last.get(`${domain}-${server}`) ?? -1)
  }).join(',')
}
