-- sluice:no-transaction
drop index concurrently if exists transactions_reference;
drop index concurrently if exists transactions_account_created;
drop index concurrently if exists accounts_owner;
