-- sluice:no-transaction
-- Built while the tables are in use: nobody waits for them.
create index concurrently if not exists accounts_owner on accounts (owner);
create index concurrently if not exists transactions_account_created on transactions (account_id, created_at desc);
create unique index concurrently if not exists transactions_reference on transactions (account_id, reference) where reference is not null;
