-- What others are told of an order, written down in the transaction of the step that it tells, and
-- frozen: `body` is what is posted, each time. `due_at` is set until its deliveries have been
-- written. A refund is one of `refunds` or of `stray_refunds`.
create table notices (
    id blob not null,
    order_id blob not null,
    kind text not null,
    refund_id blob,
    body text not null,
    created_at integer not null,
    due_at integer,
    primary key (id),
    foreign key (order_id) references orders (id),
    check (
        kind = 'order.paid' or kind = 'order.cancelled' or kind = 'order.failed' or
        kind = 'order.refunded' or kind = 'order.refund_failed'
    ),
    check (refund_id is null or kind = 'order.refunded' or kind = 'order.refund_failed'),
    check (refund_id is not null or (kind <> 'order.refunded' and kind <> 'order.refund_failed'))
) strict, without rowid;
create index notices_due_at on notices (due_at);
create index notices_created_at on notices (created_at, id);
create index notices_order_id on notices (order_id);

-- A notice on its way to one receiver: an endpoint's address, or the word shopper. Taken for a while
-- by lease, tried until it is taken or for some days.
create table deliveries (
    id blob not null,
    notice_id blob not null,
    receiver text not null,
    state text not null,
    created_at integer not null,
    due_at integer,
    settled_at integer,
    tries integer not null,
    last_outcome text,
    lease_token blob,
    lease_until integer,
    primary key (id),
    foreign key (notice_id) references notices (id),
    check (state = 'waiting' or state = 'done' or state = 'given_up'),
    check (due_at is not null or state <> 'waiting'),
    check (due_at is null or state = 'waiting'),
    check (settled_at is not null or state = 'waiting'),
    check (settled_at is null or state <> 'waiting')
) strict, without rowid;
create unique index deliveries_notice_id_receiver on deliveries (notice_id, receiver);
create index deliveries_receiver_due_at on deliveries (receiver, due_at);
create index deliveries_created_at on deliveries (created_at);

-- Each try of a delivery, and how it ended.
create table delivery_tries (
    id blob not null,
    delivery_id blob not null,
    at integer not null,
    duration_ms integer not null,
    outcome text not null,
    primary key (id),
    foreign key (delivery_id) references deliveries (id),
    check (duration_ms >= 0)
) strict, without rowid;
create index delivery_tries_delivery_id_at on delivery_tries (delivery_id, at);

-- Endpoints that want nothing more, until they have answered a test.
create table gone_endpoints (
    url text not null,
    gone_at integer not null,
    primary key (url)
) strict, without rowid;
