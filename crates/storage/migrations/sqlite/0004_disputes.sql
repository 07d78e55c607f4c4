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
