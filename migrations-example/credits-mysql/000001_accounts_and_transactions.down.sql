drop table transactions;
drop table accounts;
