import { series } from './bench.js'
import type { ConformanceSql, ValueRoundTrip } from './target.js'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const LONG_AGO = new Date(Date.UTC(1880, 0, 1, 12, 30, 15, 123))
const NOW = new Date(Date.UTC(2026, 10, 20, 18, 45, 30, 987))

const VALUES: readonly ValueRoundTrip[] = [
  { kind: 'integer', name: 'int4 as a number', type: 'int4', sent: -2147483648, received: -2147483648 },
  { kind: 'bigint', name: 'int8 beyond 2^53 as text', type: 'int8', sent: '9007199254740993', received: '9007199254740993' },
  { kind: 'bigint', name: 'a bigint sent', type: 'int8', sent: 9007199254740993n, received: '9007199254740993' },
  { kind: 'array', name: 'int8[] like int8', type: 'int8[]', sent: ['9007199254740993', null, 1n], received: ['9007199254740993', null, '1'] },
  { kind: 'numeric', name: 'numeric with every digit', type: 'numeric', sent: '0.10000000000000000000000000001',
    received: '0.10000000000000000000000000001' },
  { kind: 'array', name: 'numeric[] like numeric', type: 'numeric[]', sent: ['1.10', '-0.30'], received: ['1.10', '-0.30'] },
  { kind: 'float', name: 'float8 to the last bit', type: 'float8', sent: 0.1 + 0.2, received: 0.1 + 0.2 },
  { kind: 'boolean', name: 'boolean', type: 'boolean', sent: true, received: true },
  { kind: 'date', name: 'date as text, in any zone', type: 'date', sent: '2026-11-20', received: '2026-11-20' },
  { kind: 'array', name: 'date[] like date', type: 'date[]', sent: ['2026-11-20', null], received: ['2026-11-20', null] },
  { kind: 'timestamp', name: 'timestamp without zone as text', type: 'timestamp', sent: '2026-11-20 10:00:00.5', received: '2026-11-20 10:00:00.5' },
  { kind: 'array', name: 'timestamp[] like timestamp', type: 'timestamp[]', sent: ['2026-11-20 10:00:00'], received: ['2026-11-20 10:00:00'] },
  { kind: 'instant', name: 'a Date through timestamptz', type: 'timestamptz', sent: NOW, received: NOW },
  { kind: 'instant', name: 'a Date of local mean time through timestamptz', type: 'timestamptz', sent: LONG_AGO, received: LONG_AGO },
  { kind: 'array', name: 'a Date in timestamptz[]', type: 'timestamptz[]', sent: [NOW, null], received: [NOW, null] },
  { kind: 'json', name: 'an object as jsonb', type: 'jsonb', sent: { a: [1, null, { b: '"ü\\' }] }, received: { a: [1, null, { b: '"ü\\' }] } },
  { kind: 'json', name: 'a list as jsonb, sent as JSON text', type: 'jsonb', sent: JSON.stringify([1, 'two']), received: [1, 'two'] },
  { kind: 'json', name: 'the JSON null', type: 'json', sent: 'null', received: null },
  { kind: 'array', name: 'text[] with quotes, NULL and the word NULL', type: 'text[]', sent: ['a"b', 'c\\d', 'e,f', '{}', '', 'NULL', null],
    received: ['a"b', 'c\\d', 'e,f', '{}', '', 'NULL', null] },
  { kind: 'array', name: 'arrays in arrays', type: 'int4[]', sent: [[1, 2], [3, 4]], received: [[1, 2], [3, 4]] },
  { kind: 'array', name: 'an empty array', type: 'int4[]', sent: [], received: [] },
  { kind: 'bytes', name: 'every byte as bytea', type: 'bytea', sent: EVERY_BYTE, received: EVERY_BYTE },
  { kind: 'bytes', name: 'a typed array as bytea', type: 'bytea', sent: new Uint8Array([0, 1, 255]), received: Buffer.from([0, 1, 255]) },
  { kind: 'other', name: 'uuid', type: 'uuid', sent: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', received: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' },
]

/** PostgreSQL's SQL for the driver conformance cases. */
export const postgresConformance: ConformanceSql = {
  values: VALUES,
  textType: 'text',
  generatedKey: 'id int generated always as identity primary key',
  sleep: 'select pg_sleep(30)',
  terminate: (sessionId) => `select pg_terminate_backend(${String(sessionId)})`,
  lockTimeout: "set lock_timeout = '100ms'",
  changeSession: "set lock_timeout = '12345ms'; create temporary table conformance_temporary (id int)",
  readSession: "select concat(current_setting('lock_timeout'), to_regclass('pg_temp.conformance_temporary')) as value",
  preparedCount: 'select count(*) from pg_prepared_statements',
  badValue: 'select cast($1 as int) as value',
  failsHalfway: `select 1 / (55 - n) as n from (${series(100)}) numbers`,
}
