-- Money on its way back: asked for here, or made by somebody at the gateway. The request is written
-- down before it is sent and stays as it is. `automatic_order_id` is the order for a refund that
-- nobody asked for, and unique: an order has one. `failure` belongs to the state.
create table if not exists refunds (
    id binary(16) not null,
    order_id binary(16) not null,
    payment_id binary(16) not null,
    amount_minor bigint not null,
    currency varchar(3) not null,
    origin varchar(100) not null,
    automatic_order_id binary(16),
    note text,
    gateway_reference varchar(255),
    idempotency_key varchar(255),
    request longtext,
    state varchar(100) not null,
    failure text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key refunds_automatic_order_id (automatic_order_id),
    unique key refunds_gateway_reference (gateway_reference),
    unique key refunds_idempotency_key (idempotency_key),
    key refunds_order_id_created_at (order_id, created_at),
    foreign key (order_id) references orders (id),
    foreign key (payment_id) references payments (id),
    check (amount_minor > 0),
    check (origin = 'operator' or origin = 'automatic' or origin = 'elsewhere'),
    check (automatic_order_id is null or automatic_order_id = order_id),
    check (origin <> 'automatic' or automatic_order_id is not null),
    check (origin = 'automatic' or automatic_order_id is null),
    check (origin = 'elsewhere' or (idempotency_key is not null and request is not null)),
    check (origin <> 'elsewhere' or gateway_reference is not null),
    check (
        state = 'requested' or state = 'unknown' or state = 'refused' or state = 'pending' or
        state = 'succeeded' or state = 'failed' or state = 'cancelled'
    ),
    check (
        gateway_reference is not null or state = 'requested' or state = 'unknown' or
        state = 'refused'
    ),
    check (failure is not null or (state <> 'refused' and state <> 'failed'))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
