-- What a payment brought for an order that is over, or a stray, goes back by itself once: all of it,
-- and where somebody had given back a part at the gateway, the rest. Each amount is asked for once.
-- MySQL knows no `create index if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0,
        'create unique index refunds_automatic_order_id_amount on refunds (automatic_order_id, amount_minor)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'refunds_automatic_order_id_amount'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) > 0,
        'drop index refunds_automatic_order_id on refunds', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'refunds_automatic_order_id'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) = 0,
        'create unique index stray_refunds_automatic_stray_amount on stray_refunds (automatic_stray, amount_minor)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'stray_refunds_automatic_stray_amount'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) > 0,
        'drop index stray_refunds_automatic_stray on stray_refunds', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'stray_refunds_automatic_stray'
); prepare step from @step; execute step; deallocate prepare step;
