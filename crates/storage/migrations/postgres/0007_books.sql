-- Books are compared period by period: what was made in one is found without reading all the rest.
create index payments_created_at_id on payments (created_at, id);
create index refunds_created_at_id on refunds (created_at, id);
create index stray_refunds_created_at_id on stray_refunds (created_at, id);
