-- Checkouts under way, by the id that the browser's cookie carries. A session is of a cart of ours or of
-- one at the platform, and follows the payment of an order of ours or a purchase there. Addresses,
-- attributes and rates are lists of texts, one on each line.
create table checkout_sessions (
    id blob not null,
    visitor_id blob not null,
    cart_id blob,
    platform_cart text,
    cart_hash blob not null,
    customer_name text,
    customer_email text,
    shipping_address text,
    billing_address text,
    rate text,
    requires_shipping integer not null,
    attributes text not null,
    rates text not null,
    currency text,
    subtotal_minor integer,
    tax_minor integer,
    shipping_minor integer,
    total_minor integer,
    state text not null,
    order_id blob,
    purchase_id blob,
    reconciling integer,
    failure text,
    action_reference text,
    client_secret text,
    bought_order text,
    bought_transaction text,
    bought_free integer,
    expires_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    check (cart_id is null or platform_cart is null),
    check (cart_id is not null or platform_cart is not null),
    check (order_id is null or purchase_id is null),
    check (requires_shipping in (0, 1)),
    check (
        state = 'open' or state = 'processing' or state = 'action_required' or state = 'complete' or
        state = 'expired'
    ),
    check (
        order_id is not null or purchase_id is not null or state = 'open' or state = 'expired'
    ),
    check (state <> 'processing' or reconciling in (0, 1)),
    check (
        state <> 'action_required' or (action_reference is not null and client_secret is not null)
    ),
    check (state = 'action_required' or client_secret is null),
    check (state <> 'complete' or (bought_order is not null and bought_free in (0, 1)))
) strict;
create index checkout_sessions_order_id on checkout_sessions (order_id);
create index checkout_sessions_purchase_id on checkout_sessions (purchase_id);
create index checkout_sessions_state_expires_at on checkout_sessions (state, expires_at);

-- Tries to buy a cart at the platform. `live_cart` is the cart while money may move or the cart of a
-- paid order is still there, and unique: a cart has one live purchase. `revision` counts the moves, and
-- `last_change` is the id of the last one. The token is gone once it is known what became of the charge.
create table purchases (
    id blob not null,
    visitor_id blob not null,
    session_id blob not null,
    cart text not null,
    live_cart text,
    cart_hash blob not null,
    amount_minor integer not null,
    currency text not null,
    customer_name text not null,
    customer_email text not null,
    billing_address text not null,
    shipping_address text not null,
    account text,
    account_member text,
    aim text not null,
    is_charged integer not null,
    orders_asked integer not null,
    since integer not null,
    state text not null,
    token text,
    client_secret text,
    payment text,
    platform_order text,
    platform_transaction text,
    asked_last integer,
    asked_times integer,
    asked_lost integer,
    detached integer,
    dissociated integer,
    cart_end text,
    twin_due_at integer,
    message text,
    reason text,
    due_at integer,
    lease_token blob,
    lease_until integer,
    revision integer not null,
    last_change blob,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    check (amount_minor >= 0),
    check (is_charged in (0, 1)),
    check (orders_asked >= 0),
    check (revision >= 0),
    check (live_cart is null or live_cart = cart),
    check (
        state = 'created' or state = 'charging' or state = 'requires_action' or
        state = 'processing' or state = 'charged' or state = 'ordering' or
        state = 'ordered' or state = 'confirming' or state = 'pending' or
        state = 'cancelling' or state = 'confirmed' or state = 'cleaned' or
        state = 'declined' or state = 'abandoned' or state = 'needs_reconciliation'
    ),
    check (
        live_cart is null or (state <> 'cleaned' and state <> 'declined' and state <> 'abandoned')
    ),
    check (
        live_cart is not null or state = 'confirmed' or state = 'cleaned' or state = 'declined' or
        state = 'abandoned'
    ),
    check (token is null or state = 'created' or state = 'charging'),
    check (token is not null or amount_minor = 0 or (state <> 'created' and state <> 'charging')),
    check (client_secret is null or state = 'requires_action' or state = 'pending'),
    check (
        payment is not null or (state <> 'requires_action' and state <> 'processing' and
        state <> 'charged')
    ),
    check (
        payment is not null or amount_minor = 0 or (state <> 'ordering' and state <> 'ordered' and
        state <> 'confirming' and state <> 'confirmed' and state <> 'cleaned')
    ),
    check (
        platform_order is not null or (state <> 'ordered' and state <> 'confirming' and
        state <> 'pending' and state <> 'cancelling' and state <> 'confirmed' and state <> 'cleaned')
    ),
    check (
        asked_last is not null or (state <> 'charging' and state <> 'ordering' and
        state <> 'confirming' and state <> 'cancelling')
    ),
    check (message is not null or state <> 'declined'),
    check (reason is not null or (state <> 'abandoned' and state <> 'needs_reconciliation'))
) strict;
create unique index purchases_live_cart on purchases (live_cart);
create unique index purchases_payment on purchases (payment);
create unique index purchases_platform_order on purchases (platform_order);
create index purchases_cart_created_at on purchases (cart, created_at);
create index purchases_due_at on purchases (due_at);
