-- Sessions are found when their time has passed: by their end, and by the purchases that they began.
-- MySQL knows no `create index if not exists`, and a step may run again after it was interrupted.
set @step = (
    select if(count(*) = 0,
        'create index checkout_sessions_state_updated_at on checkout_sessions (state, updated_at)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'checkout_sessions_state_updated_at'
); prepare step from @step; execute step; deallocate prepare step;
set @step = (
    select if(count(*) = 0,
        'create index purchases_session_id on purchases (session_id)', 'do 0')
    from information_schema.statistics
    where table_schema = database() and index_name = 'purchases_session_id'
); prepare step from @step; execute step; deallocate prepare step;
