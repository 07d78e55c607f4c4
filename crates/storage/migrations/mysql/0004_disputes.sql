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
