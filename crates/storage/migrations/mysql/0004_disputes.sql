-- What shoppers dispute with their banks, as the gateway tells of it. `payment_reference` is the
-- gateway's name of the payment; `respond_by` is null where the shop cannot answer.
create table if not exists disputes (
    id binary(16) not null,
    order_id binary(16) not null,
    gateway_reference varchar(255) not null,
    payment_reference varchar(255) not null,
    amount_minor bigint not null,
    currency varchar(3) not null,
    reason text not null,
    respond_by bigint,
    state varchar(100) not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key disputes_gateway_reference (gateway_reference),
    key disputes_order_id_created_at (order_id, created_at),
    foreign key (order_id) references orders (id),
    check (amount_minor >= 0),
    check (
        state = 'inquiry' or state = 'inquiry_under_review' or state = 'inquiry_closed' or
        state = 'inquiry_lost' or state = 'needs_response' or state = 'under_review' or
        state = 'won' or state = 'lost' or state = 'prevented'
    )
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Money that strays brought, on its way back: a stray is a second payment at the gateway that names
-- an order of ours, and `stray` is the gateway's name of it. The other columns are those of
-- `refunds`; `payment_id` is the order's own payment. `automatic_stray` is unique: a stray is given
-- back by itself once.
create table if not exists stray_refunds (
    id binary(16) not null,
    order_id binary(16) not null,
    payment_id binary(16) not null,
    stray varchar(255) not null,
    amount_minor bigint not null,
    currency varchar(3) not null,
    origin varchar(100) not null,
    automatic_stray varchar(255),
    note text,
    gateway_reference varchar(255),
    idempotency_key varchar(255),
    request longtext,
    state varchar(100) not null,
    failure text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key stray_refunds_automatic_stray (automatic_stray),
    unique key stray_refunds_gateway_reference (gateway_reference),
    unique key stray_refunds_idempotency_key (idempotency_key),
    key stray_refunds_order_id_created_at (order_id, created_at),
    key stray_refunds_stray (stray),
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
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
