import { series } from './bench.js'
import type { ConformanceSql, ValueRoundTrip } from './target.js'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const NOW = new Date(Date.UTC(2026, 10, 20, 18, 45, 30, 987))
const LONG_AGO = new Date(Date.UTC(1880, 0, 1, 12, 30, 15, 123))
const OBJECT = { a: [1, null, { b: '"ü\\' }] }

/** A cast to an integer gives a BIGINT, and BIGINT arrives as text; columns of INT and smaller arrive as numbers. */
const VALUES: readonly ValueRoundTrip[] = [
  { kind: 'integer', name: 'a whole number through BIGINT', type: 'signed', sent: '-2147483648', received: '-2147483648' },
  { kind: 'bigint', name: 'BIGINT beyond 2^53 as text', type: 'signed', sent: '9007199254740993', received: '9007199254740993' },
  { kind: 'bigint', name: 'a bigint sent', type: 'signed', sent: 9007199254740993n, received: '9007199254740993' },
  { kind: 'bigint', name: 'the largest BIGINT UNSIGNED', type: 'unsigned', sent: 18446744073709551615n, received: '18446744073709551615' },
  { kind: 'numeric', name: 'DECIMAL with every digit', type: 'decimal(60, 29)', sent: '0.10000000000000000000000000001',
    received: '0.10000000000000000000000000001' },
  { kind: 'float', name: 'DOUBLE to the last bit', type: 'double', sent: 0.1 + 0.2, received: 0.1 + 0.2 },
  { kind: 'boolean', name: 'true is 1', type: 'char', sent: true, received: '1' },
  { kind: 'boolean', name: 'false is 0', type: 'char', sent: false, received: '0' },
  { kind: 'date', name: 'DATE as text, in any zone', type: 'date', sent: '2026-11-20', received: '2026-11-20' },
  { kind: 'timestamp', name: 'DATETIME as text', type: 'datetime(1)', sent: '2026-11-20 10:00:00.5', received: '2026-11-20 10:00:00.5' },
  { kind: 'timestamp', name: 'DATETIME with a fraction of zero', type: 'datetime(3)', sent: '2026-11-20 10:00:00', received: '2026-11-20 10:00:00.000' },
  { kind: 'timestamp', name: 'DATETIME without a fraction', type: 'datetime', sent: '2026-11-20 00:00:00', received: '2026-11-20 00:00:00' },
  { kind: 'instant', name: 'a Date as text in UTC', type: 'datetime(3)', sent: NOW, received: '2026-11-20 18:45:30.987' },
  { kind: 'instant', name: 'a Date of local mean time', type: 'datetime(3)', sent: LONG_AGO, received: '1880-01-01 12:30:15.123' },
  { kind: 'bytes', name: 'every byte as BINARY', type: 'binary', sent: EVERY_BYTE, received: EVERY_BYTE },
  { kind: 'bytes', name: 'a typed array as BINARY', type: 'binary', sent: new Uint8Array([0, 1, 255]), received: Buffer.from([0, 1, 255]) },
  { kind: 'bytes', name: 'no bytes', type: 'binary', sent: Buffer.alloc(0), received: Buffer.alloc(0) },
  { kind: 'other', name: 'TIME as text', type: 'time', sent: '-101:02:03', received: '-101:02:03' },
]

const COMMON: Omit<ConformanceSql, 'values' | 'preparedCount'> = {
  textType: 'char',
  generatedKey: 'id int auto_increment primary key',
  sleep: 'select sleep(30)',
  terminate: (sessionId) => `kill ${String(sessionId)}`,
  lockTimeout: 'set session innodb_lock_wait_timeout = 1',
  changeSession: "set @conformance = 'changed', session innodb_lock_wait_timeout = 1234",
  readSession: "select concat(ifnull(@conformance, ''), @@session.innodb_lock_wait_timeout) as value",
  badValue: "insert into conformance_person (id, email) values (?, 'x')",
  failsHalfway: `select n + if(n = 55, 9223372036854775807, 0) as n from (${series(100)}) numbers`,
}

/** MySQL's SQL for the driver conformance cases. */
export const mysqlConformance: ConformanceSql = {
  ...COMMON,
  values: [
    ...VALUES,
    { kind: 'json', name: 'an object as JSON', type: 'json', sent: OBJECT, received: OBJECT },
    { kind: 'json', name: 'a list as JSON', type: 'json', sent: [1, 'two'], received: [1, 'two'] },
    { kind: 'json', name: 'the JSON null', type: 'json', sent: 'null', received: null },
  ],
  preparedCount: 'select count(*) as value from performance_schema.prepared_statements_instances'
    + ' where owner_thread_id = (select thread_id from performance_schema.threads where processlist_id = connection_id())',
}

/** MariaDB's SQL for the driver conformance cases. */
export const mariadbConformance: ConformanceSql = {
  ...COMMON,
  values: [...VALUES, { kind: 'json', name: 'an object as JSON text', type: 'char', sent: OBJECT, received: JSON.stringify(OBJECT) }],
  preparedCount: 'select (select variable_value from information_schema.session_status where variable_name = \'Com_stmt_prepare\')'
    + ' - (select variable_value from information_schema.session_status where variable_name = \'Com_stmt_close\') as value',
}
