-- Money on its way back: asked for here, or made by somebody at the gateway. The request is written
-- down before it is sent and stays as it is. `automatic_order_id` is the order for a refund that
-- nobody asked for, and unique: an order has one. `failure` belongs to the state.
create table refunds (
    id uuid not null,
    order_id uuid not null,
    payment_id uuid not null,
    amount_minor bigint not null,
    currency text not null,
    origin text not null,
    automatic_order_id uuid,
    note text,
    gateway_reference text,
    idempotency_key text,
    request text,
    state text not null,
    failure text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
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
);
create unique index refunds_automatic_order_id on refunds (automatic_order_id);
create unique index refunds_gateway_reference on refunds (gateway_reference);
create unique index refunds_idempotency_key on refunds (idempotency_key);
create index refunds_order_id_created_at on refunds (order_id, created_at);
