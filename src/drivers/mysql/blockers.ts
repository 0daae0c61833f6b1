/**
 * Whom a session waits for: the rest of a query about processes `p`, the most exact first. Each needs a right that ordinary
 * users have not, or a table that not every server has.
 *
 * Source: MySQL 8.4 Reference Manual, "The metadata_locks Table", "The data_lock_waits Table"; MariaDB Knowledge Base,
 * "Metadata Lock Info Plugin", "Information Schema INNODB_LOCK_WAITS Table".
 */
export function blockersOf(sessionId: number): readonly string[] {
  const own = String(Math.trunc(sessionId))
  return [
    // locks of tables: SELECT on performance_schema, which MariaDB has switched off by default
    `from performance_schema.threads wt
      join performance_schema.metadata_locks w on w.owner_thread_id = wt.thread_id and w.lock_status = 'PENDING'
      join performance_schema.metadata_locks g on g.lock_status = 'GRANTED' and g.object_type = w.object_type
        and g.object_schema <=> w.object_schema and g.object_name <=> w.object_name and g.owner_thread_id <> w.owner_thread_id
      join performance_schema.threads gt on gt.thread_id = g.owner_thread_id
      join information_schema.processlist p on p.id = gt.processlist_id where wt.processlist_id = ${own} group by p.id, p.user, p.db, p.host, p.command, p.info, p.time`,
    // locks of rows, on MySQL
    `from performance_schema.threads wt join performance_schema.data_lock_waits w on w.requesting_thread_id = wt.thread_id
      join performance_schema.threads gt on gt.thread_id = w.blocking_thread_id
      join information_schema.processlist p on p.id = gt.processlist_id where wt.processlist_id = ${own} group by p.id, p.user, p.db, p.host, p.command, p.info, p.time`,
    // locks of rows, on MariaDB: PROCESS
    `from information_schema.innodb_lock_waits w join information_schema.innodb_trx r on r.trx_id = w.requesting_trx_id
      join information_schema.innodb_trx b on b.trx_id = w.blocking_trx_id
      join information_schema.processlist p on p.id = b.trx_mysql_thread_id where r.trx_mysql_thread_id = ${own}`,
    // locks of tables, on MariaDB with its plugin: who holds one where this session waits, as far as its statement names the table
    `from information_schema.processlist w join information_schema.metadata_lock_info l on l.table_schema = w.db and l.lock_type = 'Table metadata lock'
        and l.thread_id <> w.id and instr(w.info, l.table_name) > 0
      join information_schema.processlist p on p.id = l.thread_id where w.id = ${own} and w.state like 'Waiting for table metadata lock%'`,
    // who has a transaction open in the same database while this session waits for a table: nobody else can be in its way, and not all of them need be
    `from information_schema.processlist w join information_schema.innodb_trx b on b.trx_mysql_thread_id <> w.id
      join information_schema.processlist p on p.id = b.trx_mysql_thread_id and p.db <=> w.db
      where w.id = ${own} and w.state like 'Waiting for table metadata lock%'`,
  ]
}
