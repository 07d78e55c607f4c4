-- What shoppers dispute with their banks, as the gateway tells of it. `payment_reference` is the
-- gateway's name of the payment; `respond_by` is null where the shop cannot answer.
create table disputes (
    id uuid not null,
    order_id uuid not null,
    gateway_reference text not null,
    payment_reference text not null,
    amount_minor bigint not null,
    currency text not null,
    reason text not null,
    respond_by bigint,
    state text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    foreign key (order_id) references orders (id),
    check (amount_minor >= 0),
    check (
        state = 'inquiry' or state = 'inquiry_under_review' or state = 'inquiry_closed' or
        state = 'inquiry_lost' or state = 'needs_response' or state = 'under_review' or
        state = 'won' or state = 'lost' or state = 'prevented'
    )
);
create unique index disputes_gateway_reference on disputes (gateway_reference);
create index disputes_order_id_created_at on disputes (order_id, created_at);
