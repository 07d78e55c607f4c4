-- Checkouts under way, by the id that the browser's cookie carries. A session is of a cart of ours or of
-- one at the platform, and follows the payment of an order of ours or a purchase there. Addresses,
-- attributes and rates are lists of texts, one on each line.
create table if not exists checkout_sessions (
    id binary(16) not null,
    visitor_id binary(16) not null,
    cart_id binary(16),
    platform_cart varchar(128),
    cart_hash varbinary(32) not null,
    customer_name text,
    customer_email text,
    shipping_address text,
    billing_address text,
    rate text,
    requires_shipping bigint not null,
    attributes longtext not null,
    rates longtext not null,
    currency varchar(3),
    subtotal_minor bigint,
    tax_minor bigint,
    shipping_minor bigint,
    total_minor bigint,
    state varchar(100) not null,
    order_id binary(16),
    purchase_id binary(16),
    reconciling bigint,
    failure text,
    action_reference text,
    client_secret text,
    bought_order text,
    bought_transaction text,
    bought_free bigint,
    expires_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    key checkout_sessions_order_id (order_id),
    key checkout_sessions_purchase_id (purchase_id),
    key checkout_sessions_state_expires_at (state, expires_at),
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
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Tries to buy a cart at the platform. `live_cart` is the cart while money may move or the cart of a
-- paid order is still there, and unique: a cart has one live purchase. `revision` counts the moves, and
-- `last_change` is the id of the last one. The token is gone once it is known what became of the charge.
create table if not exists purchases (
    id binary(16) not null,
    visitor_id binary(16) not null,
    session_id binary(16) not null,
    cart varchar(128) not null,
    live_cart varchar(128),
    cart_hash varbinary(32) not null,
    amount_minor bigint not null,
    currency varchar(3) not null,
    customer_name text not null,
    customer_email text not null,
    billing_address text not null,
    shipping_address text not null,
    account varchar(128),
    account_member varchar(128),
    aim varchar(100) not null,
    is_charged bigint not null,
    orders_asked bigint not null,
    since bigint not null,
    state varchar(100) not null,
    token text,
    client_secret text,
    payment varchar(128),
    platform_order varchar(128),
    platform_transaction varchar(128),
    asked_last bigint,
    asked_times bigint,
    asked_lost bigint,
    detached bigint,
    dissociated bigint,
    cart_end varchar(100),
    twin_due_at bigint,
    message text,
    reason varchar(100),
    due_at bigint,
    lease_token binary(16),
    lease_until bigint,
    revision bigint not null,
    last_change binary(16),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key purchases_live_cart (live_cart),
    unique key purchases_payment (payment),
    unique key purchases_platform_order (platform_order),
    key purchases_cart_created_at (cart, created_at),
    key purchases_due_at (due_at),
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
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
