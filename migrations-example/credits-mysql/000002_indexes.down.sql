-- The foreign key needs an index that begins with account_id; it gets one of its own before the others go.
alter table transactions add index transactions_account (account_id), algorithm = inplace, lock = none;
alter table transactions drop index transactions_reference, drop index transactions_account_created;
alter table accounts drop index accounts_owner;
