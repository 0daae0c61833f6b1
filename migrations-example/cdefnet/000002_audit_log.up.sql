-- Who changed what: it only grows.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  tenant text not null,
  action text not null check (action in ('INSERT', 'UPDATE', 'DELETE')),
  indicator_id uuid not null,
  change jsonb not null
);
create index audit_log_tenant_time on audit_log (tenant, at desc);
create index audit_log_change on audit_log using gin (change jsonb_path_ops);

create function audit_indicators() returns trigger language plpgsql security definer set search_path from current as $$
declare
  touched indicators := coalesce(new, old);
begin
  insert into audit_log (tenant, action, indicator_id, change)
  values (touched.tenant, tg_op, touched.id, jsonb_strip_nulls(jsonb_build_object('old', to_jsonb(old), 'new', to_jsonb(new))));
  return null;
end $$;
create trigger indicators_audit after insert or update or delete on indicators for each row execute function audit_indicators();
