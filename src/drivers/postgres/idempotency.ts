import type { IdempotencyFacts } from '../../core/idempotency-facts.js'

/** PostgreSQL: an INSERT that meets the key of an open transaction waits for its end, and then finds it or stores its own. */
export const postgresIdempotency: IdempotencyFacts = {
  create: (table) => [
    `create table if not exists ${table} (idempotency_key text primary key, claim text not null, work text not null, outcome text, created_at timestamptz not null default now())`,
    `create index if not exists "sluice_idempotency_created_at" on ${table} (created_at)`,
  ],
  claim: (table) => `insert into ${table} (idempotency_key, claim, work) values ($1, $2, $3) on conflict (idempotency_key) do nothing`,
  read: (table) => `select claim, work, outcome from ${table} where idempotency_key = $1`,
  record: (table) => `update ${table} set outcome = $1 where idempotency_key = $2`,
  forget: (table) => `delete from ${table} where idempotency_key in (select idempotency_key from ${table}
    where created_at < now() - $1::float8 * interval '1 millisecond' order by created_at limit 1000)`,
}
