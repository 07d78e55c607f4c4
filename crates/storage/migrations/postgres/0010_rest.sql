-- What a payment brought for an order that is over, or a stray, goes back by itself once: all of it,
-- and where somebody had given back a part at the gateway, the rest. Each amount is asked for once.
drop index refunds_automatic_order_id;
create unique index refunds_automatic_order_id_amount on refunds (automatic_order_id, amount_minor);
drop index stray_refunds_automatic_stray;
create unique index stray_refunds_automatic_stray_amount on stray_refunds (automatic_stray, amount_minor);
