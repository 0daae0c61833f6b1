-- Indicators that tenants share without telling who they are: a tenant is the hash of its name with the installation's salt.
create table tenant_salt (
  only_one boolean primary key default true check (only_one),
  salt uuid not null default gen_random_uuid()
);
insert into tenant_salt default values;

create function tenant_hash(tenant text) returns text language sql stable as $$
  select encode(sha256(convert_to((select salt::text from tenant_salt) || ':' || tenant, 'UTF8')), 'hex')
$$;

create table indicators (
  id uuid primary key default gen_random_uuid(),
  tenant text not null constraint indicators_tenant_is_a_hash check (tenant ~ '^[0-9a-f]{64}$'),
  kind text not null check (kind in ('ip', 'domain', 'url', 'file_hash', 'email')),
  value text not null,
  confidence smallint not null default 50 check (confidence between 0 and 100),
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days',
  unique (tenant, kind, value)
);
create index indicators_value on indicators (kind, value);
create index indicators_expiry on indicators (expires_at);

-- A tenant sees its own: set_config('cdefnet.tenant', tenant_hash('…'), true) says who asks. The owner of the table sees all.
alter table indicators enable row level security;
create policy indicators_of_tenant on indicators using (tenant = current_setting('cdefnet.tenant', true));

-- In small pieces, so that nobody waits for it: call it until it says 0.
create function clean_up_indicators(at_most integer default 10000) returns bigint language sql as $$
  with expired as (select id from indicators where expires_at <= now() order by expires_at limit at_most for update skip locked),
    gone as (delete from indicators where id in (select id from expired) returning 1)
  select count(*) from gone
$$;
