import type { IdempotencyFacts } from '../../core/idempotency-facts.js'

const NOW_MS = "cast(strftime('%s', 'now') as integer) * 1000"

/** SQLite, whose one writer at a time makes the waiting. */
export const sqliteIdempotency: IdempotencyFacts = {
  create: (table) => [
    `create table if not exists ${table} (idempotency_key text primary key, claim text not null, work text not null, outcome text, created_ms integer not null default (${NOW_MS}))`,
  ],
  claim: (table) => `insert into ${table} (idempotency_key, claim, work) values (?, ?, ?) on conflict (idempotency_key) do nothing`,
  read: (table) => `select claim, work, outcome from ${table} where idempotency_key = ?`,
  record: (table) => `update ${table} set outcome = ? where idempotency_key = ?`,
  forget: (table) => `delete from ${table} where idempotency_key in (select idempotency_key from ${table}
    where created_ms < ${NOW_MS} - ? order by created_ms limit 1000)`,
}
