-- What happened to a purchase, line by line. A line is written in the transaction that makes the thing
-- happen, and never changed. `position` is the revision that the purchase came to by it.
create table purchase_history (
    purchase_id blob not null,
    position integer not null,
    happened_at integer not null,
    actor text not null,
    sentence text not null,
    primary key (purchase_id, position),
    foreign key (purchase_id) references purchases (id),
    check (position >= 0)
) strict, without rowid;

create index purchases_state on purchases (state);
