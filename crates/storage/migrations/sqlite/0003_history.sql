-- What happened to an order, line by line. A line is written in the transaction that makes the thing
-- happen, and never changed. `position` counts from one in the order of those transactions: whoever
-- writes holds the lock on the order.
create table history (
    order_id blob not null,
    position integer not null,
    happened_at integer not null,
    actor text not null,
    kind text not null,
    sentence text not null,
    primary key (order_id, position),
    foreign key (order_id) references orders (id),
    check (position > 0)
) strict, without rowid;
