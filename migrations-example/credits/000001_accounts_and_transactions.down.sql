drop table transactions;
drop table accounts;
drop function touch_updated_at();
