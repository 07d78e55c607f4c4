-- How often somebody has ordered and been declined, under a keyed digest of what she is known by: no
-- address and no card is kept. Each level is written as the moment when it will be empty.
create table shield_marks (
    mark bytea not null,
    orders_empty_at bigint not null,
    declines_empty_at bigint not null,
    forget_at bigint not null,
    primary key (mark)
);
create index shield_marks_forget_at on shield_marks (forget_at);

-- Under which marks an order was made, and how many pieces it holds while it is pending. Once it is
-- not, `forget_at` says until when declines of it may still be heard. `proven`: a challenge was solved
-- for it.
create table shield_orders (
    order_id uuid not null,
    visitor bytea not null,
    network bytea,
    email bytea not null,
    pieces bigint not null,
    proven bigint not null,
    forget_at bigint,
    primary key (order_id),
    foreign key (order_id) references orders (id),
    check (pieces > 0),
    check (proven in (0, 1))
);
create index shield_orders_network on shield_orders (network);
create index shield_orders_email on shield_orders (email);
create index shield_orders_forget_at on shield_orders (forget_at);

-- Tries at the gateway by the minute in which we heard how they ended. Each minute has several rows,
-- so that those who pay in the same minute need not wait for each other.
create table shield_tries (
    minute bigint not null,
    slot bigint not null,
    succeeded bigint not null,
    declined bigint not null,
    primary key (minute, slot),
    check (succeeded >= 0 and declined >= 0)
);

-- Since when, and until when, new orders need a proof. One row, once it has opened for the first time.
create table shield_breaker (
    id bigint not null,
    opened_at bigint not null,
    open_until bigint not null,
    primary key (id),
    check (id = 1)
);

-- Challenges that have been solved: each counts once, for the order that it was solved for.
create table shield_proofs (
    id uuid not null,
    order_id uuid not null,
    forget_at bigint not null,
    primary key (id)
);
create index shield_proofs_forget_at on shield_proofs (forget_at);
