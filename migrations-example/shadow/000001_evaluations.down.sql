drop table evaluation_metrics;
drop table evaluations;
