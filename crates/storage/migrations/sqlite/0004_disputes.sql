-- What shoppers dispute with their banks, as the gateway tells of it. `payment_reference` is the
-- gateway's name of the payment; `respond_by` is null where the shop cannot answer.
create table disputes (
    id blob not null,
    order_id blob not null,
    gateway_reference text not null,
    payment_reference text not null,
    amount_minor integer not null,
    currency text not null,
    reason text not null,
    respond_by integer,
    state text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    foreign key (order_id) references orders (id),
    check (amount_minor >= 0),
    check (
        state = 'inquiry' or state = 'inquiry_under_review' or state = 'inquiry_closed' or
        state = 'inquiry_lost' or state = 'needs_response' or state = 'under_review' or
        state = 'won' or state = 'lost' or state = 'prevented'
    )
) strict, without rowid;
create unique index disputes_gateway_reference on disputes (gateway_reference);
create index disputes_order_id_created_at on disputes (order_id, created_at);

-- Money that strays brought, on its way back: a stray is a second payment at the gateway that names
-- an order of ours, and `stray` is the gateway's name of it. The other columns are those of
-- `refunds`; `payment_id` is the order's own payment. `automatic_stray` is unique: a stray is given
-- back by itself once.
create table stray_refunds (
    id blob not null,
    order_id blob not null,
    payment_id blob not null,
    stray text not null,
    amount_minor integer not null,
    currency text not null,
    origin text not null,
    automatic_stray text,
    note text,
    gateway_reference text,
    idempotency_key text,
    request text,
    state text not null,
    failure text,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    foreign key (order_id) references orders (id),
    foreign key (payment_id) references payments (id),
    check (amount_minor > 0),
    check (origin = 'automatic' or origin = 'elsewhere'),
    check (automatic_stray is null or automatic_stray = stray),
    check (origin <> 'automatic' or automatic_stray is not null),
    check (origin = 'automatic' or automatic_stray is null),
    check (note is null),
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
) strict, without rowid;
create unique index stray_refunds_automatic_stray on stray_refunds (automatic_stray);
create unique index stray_refunds_gateway_reference on stray_refunds (gateway_reference);
create unique index stray_refunds_idempotency_key on stray_refunds (idempotency_key);
create index stray_refunds_order_id_created_at on stray_refunds (order_id, created_at);
create index stray_refunds_stray on stray_refunds (stray);
