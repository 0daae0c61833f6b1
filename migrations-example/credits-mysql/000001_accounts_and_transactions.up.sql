-- DDL commits by itself here: the file runs statement by statement.
create table accounts (
  id char(36) character set ascii not null default (uuid()) primary key,
  owner varchar(255) not null,
  balance bigint not null default 0,
  reserved bigint not null default 0,
  created_at timestamp(6) not null default current_timestamp(6),
  updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  constraint accounts_balance_not_negative check (balance >= 0),
  constraint accounts_reserved_within_balance check (reserved between 0 and balance)
);

create table transactions (
  id char(36) character set ascii not null default (uuid()) primary key,
  account_id char(36) character set ascii not null,
  type enum('credit', 'debit', 'reserve', 'release') not null,
  amount bigint not null,
  reference varchar(255),
  created_at timestamp(6) not null default current_timestamp(6),
  updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  constraint transactions_amount_positive check (amount > 0),
  key transactions_account (account_id),
  constraint transactions_of_account foreign key (account_id) references accounts (id)
);
