-- Books are compared period by period: what was made in one is found without reading all the rest.
-- MySQL knows no `create index if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0, 'create index payments_created_at_id on payments (created_at, id)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'payments_created_at_id'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) = 0, 'create index refunds_created_at_id on refunds (created_at, id)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'refunds_created_at_id'
); prepare step from @step; execute step; deallocate prepare step;
create index stray_refunds_created_at_id on stray_refunds (created_at, id);
