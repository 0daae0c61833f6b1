import type { IdempotencyFacts } from '../../core/idempotency-facts.js'

/**
 * MySQL and MariaDB. A duplicate is not an error here, which IGNORE would be for every other one, too. Keys are bytes: to every
 * collation that both engines have, `a` and `a ` are the same.
 */
export const mysqlIdempotency: IdempotencyFacts = {
  create: (table) => [
    `create table if not exists ${table} (
      idempotency_key varbinary(1020) primary key, claim char(36) not null, work char(64) not null,
      outcome text character set utf8mb4, created_at timestamp(3) not null default current_timestamp(3), index (created_at)) engine = InnoDB`,
  ],
  claim: (table) => `insert into ${table} (idempotency_key, claim, work) values (?, ?, ?) on duplicate key update idempotency_key = idempotency_key`,
  read: (table) => `select claim, work, outcome from ${table} where idempotency_key = ?`,
  record: (table) => `update ${table} set outcome = ? where idempotency_key = ?`,
  forget: (table) => `delete from ${table} where created_at < current_timestamp(3) - interval ? * 1000 microsecond order by created_at limit 1000`,
}
