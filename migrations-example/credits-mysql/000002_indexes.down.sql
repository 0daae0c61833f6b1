alter table transactions drop index transactions_reference, drop index transactions_account_created;
alter table accounts drop index accounts_owner;
