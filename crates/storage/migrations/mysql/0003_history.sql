-- What happened to an order, line by line. A line is written in the transaction that makes the thing
-- happen, and never changed. `position` counts from one in the order of those transactions: whoever
-- writes holds the lock on the order.
create table if not exists history (
    order_id binary(16) not null,
    position bigint not null,
    happened_at bigint not null,
    actor varchar(100) not null,
    kind varchar(100) not null,
    sentence text not null,
    primary key (order_id, position),
    foreign key (order_id) references orders (id),
    check (position > 0)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
