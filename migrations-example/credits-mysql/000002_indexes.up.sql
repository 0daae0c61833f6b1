-- Built in place: the tables stay in use.
alter table accounts add index accounts_owner (owner), algorithm = inplace, lock = none;
alter table transactions add index transactions_account_created (account_id, created_at desc), algorithm = inplace, lock = none;
alter table transactions add unique index transactions_reference (account_id, reference), algorithm = inplace, lock = none;
