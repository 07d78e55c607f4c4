-- What a storefront noted with an order, in its own words: a list of texts, three lines for each. `noted`
-- says whether the platform's order has it.
-- MySQL knows no `add column if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0, 'alter table orders add column attributes longtext', 'do 0')
    from information_schema.columns
    where table_schema = database() and table_name = 'orders' and column_name = 'attributes'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) = 0, 'alter table purchases add column attributes longtext', 'do 0')
    from information_schema.columns
    where table_schema = database() and table_name = 'purchases' and column_name = 'attributes'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) = 0, 'alter table purchases add column noted bigint', 'do 0')
    from information_schema.columns
    where table_schema = database() and table_name = 'purchases' and column_name = 'noted'
); prepare step from @step; execute step; deallocate prepare step;

-- How long a session waits for its shopper; the merchant says so when it is opened.
set @step = (
    select if(count(*) = 0,
        'alter table checkout_sessions add column lifetime_s bigint not null default 1800', 'do 0')
    from information_schema.columns
    where table_schema = database() and table_name = 'checkout_sessions' and column_name = 'lifetime_s'
); prepare step from @step; execute step; deallocate prepare step;
