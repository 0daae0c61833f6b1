drop function clean_up_indicators(integer);
drop table indicators;
drop function tenant_hash(text);
drop table tenant_salt;
