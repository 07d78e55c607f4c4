-- How often somebody has ordered and been declined, under a keyed digest of what she is known by: no
-- address and no card is kept. Each level is written as the moment when it will be empty.
create table if not exists shield_marks (
    mark varbinary(32) not null,
    orders_empty_at bigint not null,
    declines_empty_at bigint not null,
    forget_at bigint not null,
    primary key (mark),
    key shield_marks_forget_at (forget_at)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Under which marks an order was made, and how many pieces it holds while it is pending. Once it is
-- not, `forget_at` says until when declines of it may still be heard. `proven`: a challenge was solved
-- for it.
create table if not exists shield_orders (
    order_id binary(16) not null,
    visitor varbinary(32) not null,
    network varbinary(32),
    email varbinary(32) not null,
    pieces bigint not null,
    proven bigint not null,
    forget_at bigint,
    primary key (order_id),
    key shield_orders_network (network),
    key shield_orders_email (email),
    key shield_orders_forget_at (forget_at),
    foreign key (order_id) references orders (id),
    check (pieces > 0),
    check (proven in (0, 1))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Tries at the gateway by the minute in which we heard how they ended. Each minute has several rows,
-- so that those who pay in the same minute need not wait for each other.
create table if not exists shield_tries (
    minute bigint not null,
    slot bigint not null,
    succeeded bigint not null,
    declined bigint not null,
    primary key (minute, slot),
    check (succeeded >= 0 and declined >= 0)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Since when, and until when, new orders need a proof. One row, once it has opened for the first time.
create table if not exists shield_breaker (
    id bigint not null,
    opened_at bigint not null,
    open_until bigint not null,
    primary key (id),
    check (id = 1)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Challenges that have been solved: each counts once, for the order that it was solved for.
create table if not exists shield_proofs (
    id binary(16) not null,
    order_id binary(16) not null,
    forget_at bigint not null,
    primary key (id),
    key shield_proofs_forget_at (forget_at)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
