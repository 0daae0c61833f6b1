-- Accounts with a balance and what is reserved of it; every change of either is a row of its own.
create table accounts (
  id uuid primary key default gen_random_uuid(),
  owner text not null,
  balance bigint not null default 0 constraint accounts_balance_not_negative check (balance >= 0),
  reserved bigint not null default 0 constraint accounts_reserved_within_balance check (reserved between 0 and balance),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table transactions (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references accounts (id),
  type text not null constraint transactions_type_known check (type in ('credit', 'debit', 'reserve', 'release')),
  amount bigint not null constraint transactions_amount_positive check (amount > 0),
  -- what the caller calls it: the same one twice changes nothing twice
  reference text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create function touch_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end $$;

create trigger accounts_touch before update on accounts for each row execute function touch_updated_at();
create trigger transactions_touch before update on transactions for each row execute function touch_updated_at();
