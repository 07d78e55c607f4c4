-- Since when money of a purchase may have moved: a person is called so long after it, whatever was asked
-- since. Of a purchase that is under way the moment in which it came to stand where it stands is known.
-- MySQL knows no `add column if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0, 'alter table purchases add column money_since bigint', 'do 0')
    from information_schema.columns
    where table_schema = database() and table_name = 'purchases' and column_name = 'money_since'
); prepare step from @step; execute step; deallocate prepare step;

update purchases set money_since = since
where money_since is null and (is_charged = 1 or state = 'charging');
