drop trigger indicators_audit on indicators;
drop function audit_indicators();
drop table audit_log;
