import { series } from './bench.js'
import type { ConformanceSql, ValueRoundTrip } from './target.js'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

const VALUES: readonly ValueRoundTrip[] = [
  { kind: 'integer', name: 'an integer as a number', type: 'integer', sent: -2147483648, received: -2147483648 },
  { kind: 'integer', name: 'the largest safe integer as a number', type: 'integer', sent: Number.MAX_SAFE_INTEGER, received: Number.MAX_SAFE_INTEGER },
  { kind: 'bigint', name: 'an integer beyond 2^53 as text', type: 'integer', sent: '9007199254740993', received: '9007199254740993' },
  { kind: 'bigint', name: 'a bigint sent', type: 'integer', sent: -9223372036854775808n, received: '-9223372036854775808' },
  { kind: 'float', name: 'real to the last bit', type: 'real', sent: 0.1 + 0.2, received: 0.1 + 0.2 },
  { kind: 'boolean', name: 'a boolean as 1', type: 'integer', sent: true, received: 1 },
  { kind: 'instant', name: 'a Date as text in UTC', type: 'text', sent: new Date(Date.UTC(2026, 10, 20, 18, 45, 30, 987)), received: '2026-11-20T18:45:30.987Z' },
  { kind: 'json', name: 'an object as JSON text', type: 'text', sent: { a: [1, null, { b: '"ü\\' }] }, received: '{"a":[1,null,{"b":"\\"ü\\\\"}]}' },
  { kind: 'bytes', name: 'every byte as blob', type: 'blob', sent: EVERY_BYTE, received: EVERY_BYTE },
  { kind: 'bytes', name: 'a typed array as blob', type: 'blob', sent: new Uint8Array([0, 1, 255]), received: Buffer.from([0, 1, 255]) },
  { kind: 'bytes', name: 'an empty blob', type: 'blob', sent: new Uint8Array(0), received: Buffer.alloc(0) },
]

/** SQLite's SQL for the driver conformance cases. */
export const sqliteConformance: ConformanceSql = {
  values: VALUES,
  textType: 'text',
  generatedKey: 'id integer primary key',
  // rows for half a minute: between two of them a cancel is heard
  sleep: 'with recursive endless (n) as (select 1 union all select n + 1 from endless) select n from endless limit 60000000',
  terminate: undefined,
  lockTimeout: 'pragma busy_timeout = 100',
  changeSession: 'create temporary table conformance_temporary (id int)',
  readSession: 'select count(*) as value from sqlite_temp_schema',
  preparedCount: undefined,
  badValue: 'select json(?) as value',
  failsHalfway: `select iif(n = 55, json('x'), n) as n from (${series(100)})`,
}
