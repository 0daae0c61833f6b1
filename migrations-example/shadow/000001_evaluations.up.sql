-- What the version in use and the one in its shadow answered to the same request, and whether they differ.
create table evaluations (
  id uuid primary key default gen_random_uuid(),
  request_id text not null,
  service text not null,
  primary_result jsonb not null,
  shadow_result jsonb not null,
  primary_ms double precision not null check (primary_ms >= 0),
  shadow_ms double precision not null check (shadow_ms >= 0),
  -- object keys in another order are no difference: jsonb compares values
  diverged boolean not null generated always as (primary_result <> shadow_result) stored,
  evaluated_at timestamptz not null default now()
);

create table evaluation_metrics (
  evaluation_id uuid not null references evaluations (id) on delete cascade,
  name text not null,
  value double precision not null,
  labels jsonb not null default '{}',
  primary key (evaluation_id, name)
);

create index evaluations_service_time on evaluations (service, evaluated_at desc);
create index evaluations_diverged on evaluations (service, evaluated_at desc) where diverged;
create index evaluations_primary_result on evaluations using gin (primary_result jsonb_path_ops);
create index evaluations_shadow_result on evaluations using gin (shadow_result jsonb_path_ops);
create index evaluation_metrics_labels on evaluation_metrics using gin (labels);
