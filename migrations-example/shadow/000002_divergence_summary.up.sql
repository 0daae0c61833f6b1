create view divergence_summary as
select service, date_trunc('hour', evaluated_at) as hour, count(*) as evaluations, count(*) filter (where diverged) as diverged,
  round(100.0 * count(*) filter (where diverged) / count(*), 2) as diverged_percent,
  percentile_cont(0.95) within group (order by shadow_ms - primary_ms) as slower_ms_p95
from evaluations
group by service, date_trunc('hour', evaluated_at);
