-- What happened to a purchase, line by line. A line is written in the transaction that makes the thing
-- happen, and never changed. `position` is the revision that the purchase came to by it.
create table if not exists purchase_history (
    purchase_id binary(16) not null,
    position bigint not null,
    happened_at bigint not null,
    actor varchar(100) not null,
    sentence text not null,
    primary key (purchase_id, position),
    foreign key (purchase_id) references purchases (id),
    check (position >= 0)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- MySQL knows no `create index if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0, 'create index purchases_state on purchases (state)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'purchases_state'
); prepare step from @step; execute step; deallocate prepare step;
