-- What others are told of an order, written down in the transaction of the step that it tells, and
-- frozen: `body` is what is posted, each time. `due_at` is set until its deliveries have been
-- written. A refund is one of `refunds` or of `stray_refunds`.
create table if not exists notices (
    id binary(16) not null,
    order_id binary(16) not null,
    kind varchar(100) not null,
    refund_id binary(16),
    body longtext not null,
    created_at bigint not null,
    due_at bigint,
    primary key (id),
    key notices_due_at (due_at),
    key notices_created_at (created_at, id),
    key notices_order_id (order_id),
    foreign key (order_id) references orders (id),
    check (
        kind = 'order.paid' or kind = 'order.cancelled' or kind = 'order.failed' or
        kind = 'order.refunded' or kind = 'order.refund_failed'
    ),
    check (refund_id is null or kind = 'order.refunded' or kind = 'order.refund_failed'),
    check (refund_id is not null or (kind <> 'order.refunded' and kind <> 'order.refund_failed'))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- A notice on its way to one receiver: an endpoint's address, or the word shopper. Taken for a while
-- by lease, tried until it is taken or for some days.
create table if not exists deliveries (
    id binary(16) not null,
    notice_id binary(16) not null,
    receiver varchar(255) not null,
    state varchar(100) not null,
    created_at bigint not null,
    due_at bigint,
    settled_at bigint,
    tries bigint not null,
    last_outcome text,
    lease_token binary(16),
    lease_until bigint,
    primary key (id),
    unique key deliveries_notice_id_receiver (notice_id, receiver),
    key deliveries_receiver_due_at (receiver, due_at),
    key deliveries_created_at (created_at),
    foreign key (notice_id) references notices (id),
    check (state = 'waiting' or state = 'done' or state = 'given_up'),
    check (due_at is not null or state <> 'waiting'),
    check (due_at is null or state = 'waiting'),
    check (settled_at is not null or state = 'waiting'),
    check (settled_at is null or state <> 'waiting')
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Each try of a delivery, and how it ended.
create table if not exists delivery_tries (
    id binary(16) not null,
    delivery_id binary(16) not null,
    at bigint not null,
    duration_ms bigint not null,
    outcome text not null,
    primary key (id),
    key delivery_tries_delivery_id_at (delivery_id, at),
    foreign key (delivery_id) references deliveries (id),
    check (duration_ms >= 0)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Endpoints that want nothing more, until they have answered a test.
create table if not exists gone_endpoints (
    url varchar(255) not null,
    gone_at bigint not null,
    primary key (url)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
