-- Sessions are found when their time has passed: by their end, and by the purchases that they began.
create index checkout_sessions_state_updated_at on checkout_sessions (state, updated_at);
create index purchases_session_id on purchases (session_id);
