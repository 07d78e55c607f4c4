-- The first schema: cart, order, payment, events in, effects out. Times are milliseconds since 1970
-- UTC, amounts are minor units beside a currency, truth is 0 or 1. A unique index is named for its
-- table and columns, so that a duplicate has the same name on every database. Checks of a state
-- say `or`, not `in`: SQLite would build a table of a longer list for every row it checks.
-- Every statement may be run twice: MySQL commits after each, and a stop may come in between.
-- Text is compared byte by byte: two event ids that differ in case are two events.

-- What the shop sells. `search_text` is name, number and description in lower case, because no two
-- databases agree on what lower case is.
create table if not exists products (
    id binary(16) not null,
    sku varchar(255) not null,
    name text not null,
    description longtext not null,
    image text,
    price_minor bigint not null,
    currency varchar(3) not null,
    on_hand bigint not null,
    reserved bigint not null,
    active bigint not null,
    requires_shipping bigint not null,
    search_text longtext not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key products_sku (sku),
    check (price_minor >= 0),
    check (reserved >= 0 and reserved <= on_hand),
    check (active in (0, 1)),
    check (requires_shipping in (0, 1))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- What visitors mean to buy; one cart each. `last_change` is the id of the change that was made last,
-- so that a change whose commit was lost is not made twice.
create table if not exists carts (
    id binary(16) not null,
    visitor_id binary(16) not null,
    currency varchar(3) not null,
    last_change binary(16),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key carts_visitor_id (visitor_id)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- A product stands in a cart once. `position` grows in the order of adding and has gaps. There
-- is no foreign key to the product: MySQL would make each visitor who adds it wait for its buyers.
create table if not exists cart_lines (
    cart_id binary(16) not null,
    id binary(16) not null,
    position bigint not null,
    product_id binary(16) not null,
    sku varchar(255) not null,
    name text not null,
    image text,
    unit_price_minor bigint not null,
    quantity bigint not null,
    requires_shipping bigint not null,
    primary key (cart_id, id),
    unique key cart_lines_cart_id_product_id (cart_id, product_id),
    foreign key (cart_id) references carts (id),
    check (unit_price_minor >= 0),
    check (quantity > 0),
    check (requires_shipping in (0, 1))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- A cart at checkout, frozen. `state_at` and `paid_by_event` belong to the state; an order without
-- an event is paid because its total is zero.
create table if not exists orders (
    id binary(16) not null,
    visitor_id binary(16) not null,
    cart_id binary(16) not null,
    fingerprint varbinary(32) not null,
    email text not null,
    accepts_marketing bigint not null,
    shipping_name text not null,
    shipping_company text,
    shipping_street text not null,
    shipping_postal_code text not null,
    shipping_city text not null,
    shipping_country text not null,
    shipping_phone text,
    billing_name text not null,
    billing_company text,
    billing_street text not null,
    billing_postal_code text not null,
    billing_city text not null,
    billing_country text not null,
    billing_phone text,
    currency varchar(3) not null,
    subtotal_minor bigint not null,
    shipping_minor bigint not null,
    tax_minor bigint not null,
    total_minor bigint not null,
    tax_mode varchar(100) not null,
    state varchar(100) not null,
    expires_at bigint,
    state_at bigint,
    paid_by_event varchar(255),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    key orders_cart_id_created_at (cart_id, created_at),
    key orders_state (state),
    check (accepts_marketing in (0, 1)),
    check (subtotal_minor >= 0 and shipping_minor >= 0 and tax_minor >= 0 and total_minor >= 0),
    check (tax_mode in ('included', 'added')),
    check (state = 'pending' or state = 'paid' or state = 'failed' or state = 'cancelled'),
    check (state <> 'pending' or expires_at is not null),
    check (state = 'pending' or state_at is not null),
    check (state <> 'paid' or paid_by_event is not null or total_minor = 0),
    check (state = 'paid' or paid_by_event is null)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- What was ordered, at the price the shopper saw. The product may be gone from the catalogue.
create table if not exists order_lines (
    order_id binary(16) not null,
    position bigint not null,
    id binary(16) not null,
    product_id binary(16) not null,
    sku varchar(255) not null,
    name text not null,
    image text,
    unit_price_minor bigint not null,
    quantity bigint not null,
    requires_shipping bigint not null,
    primary key (order_id, position),
    unique key order_lines_order_id_product_id (order_id, product_id),
    foreign key (order_id) references orders (id),
    check (unit_price_minor >= 0),
    check (quantity > 0),
    check (requires_shipping in (0, 1))
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- The one demand for an order's total. `live_cart_id` is the cart while money may still move, and
-- unique: a cart has one live payment. `due_at` is when the worker must look at it again. Until
-- `held_until` another order is taking its order's place, and its cancellation is left to that.
create table if not exists payments (
    id binary(16) not null,
    order_id binary(16) not null,
    cart_id binary(16) not null,
    live_cart_id binary(16),
    amount_minor bigint not null,
    currency varchar(3) not null,
    livemode bigint not null,
    gateway_reference varchar(255),
    client_secret text,
    state varchar(100) not null,
    declined text not null,
    decline_attempt text,
    decline_code text,
    decline_message text,
    failure_reason varchar(100),
    receipt_event varchar(255),
    receipt_minor bigint,
    receipt_currency varchar(3),
    receipt_at bigint,
    due_at bigint,
    held_until bigint,
    lease_token binary(16),
    lease_until bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key payments_order_id (order_id),
    unique key payments_live_cart_id (live_cart_id),
    unique key payments_gateway_reference (gateway_reference),
    key payments_due_at (due_at),
    foreign key (order_id) references orders (id),
    check (amount_minor > 0),
    check (livemode in (0, 1)),
    check (live_cart_id is null or live_cart_id = cart_id),
    check (
        state = 'created' or state = 'unknown' or state = 'open' or state = 'declined' or
        state = 'requires_action' or state = 'processing' or state = 'answered' or
        state = 'closing' or state = 'succeeded' or state = 'failed' or state = 'cancelled'
    ),
    check (
        live_cart_id is null or (state <> 'succeeded' and state <> 'failed' and
        state <> 'cancelled')
    ),
    check (
        live_cart_id is not null or state = 'succeeded' or state = 'failed' or state = 'cancelled'
    ),
    check (
        gateway_reference is not null or state = 'created' or state = 'unknown' or
        state = 'cancelled'
    ),
    check (
        state <> 'succeeded' or (receipt_event is not null and receipt_minor is not null and
        receipt_currency is not null and receipt_at is not null)
    ),
    check (failure_reason is not null or (state <> 'closing' and state <> 'failed')),
    check (
        state <> 'declined' or (decline_attempt is not null and decline_code is not null and
        decline_message is not null)
    )
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Requests to the gateway, written down before they are sent, with what came back.
create table if not exists payment_attempts (
    payment_id binary(16) not null,
    number bigint not null,
    idempotency_key varchar(255) not null,
    request longtext not null,
    created_at bigint not null,
    outcome text,
    answer longtext,
    answered_at bigint,
    primary key (payment_id, number),
    unique key payment_attempts_idempotency_key (idempotency_key),
    foreign key (payment_id) references payments (id),
    check (number > 0)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Events from outside; each id counts once. `due_at` is null once the event has been applied. Those
-- of turn 1 are applied as they stand, those of turn 2 need a question first.
create table if not exists inbox (
    id varchar(255) not null,
    kind varchar(255) not null,
    object varchar(255),
    livemode bigint not null,
    payload longtext not null,
    source varchar(100) not null,
    turn bigint not null,
    received_at bigint not null,
    due_at bigint,
    applied_at bigint,
    outcome text,
    tries bigint not null,
    last_error text,
    lease_token binary(16),
    lease_until bigint,
    primary key (id),
    key inbox_turn_due_at (turn, due_at),
    key inbox_received_at (received_at),
    check (livemode in (0, 1)),
    check (turn in (1, 2)),
    check (source in ('webhook', 'poll')),
    check (due_at is null or applied_at is null),
    check (due_at is not null or applied_at is not null),
    check (applied_at is null or outcome is not null)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Effects that an order's state calls for; each is done at least once. `due_at` is null once done.
create table if not exists outbox (
    id binary(16) not null,
    order_id binary(16) not null,
    kind varchar(100) not null,
    subject varchar(255) not null,
    due_at bigint,
    done_at bigint,
    tries bigint not null,
    last_error text,
    lease_token binary(16),
    lease_until bigint,
    primary key (id),
    unique key outbox_order_id_kind_subject (order_id, kind, subject),
    key outbox_due_at (due_at),
    foreign key (order_id) references orders (id),
    check (due_at is null or done_at is null),
    check (due_at is not null or done_at is not null)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- What a person must look at; the same matter is raised once.
create table if not exists attention (
    id binary(16) not null,
    order_id binary(16),
    kind varchar(100) not null,
    subject varchar(255) not null,
    sentence text not null,
    raised_at bigint not null,
    resolved_at bigint,
    primary key (id),
    unique key attention_kind_subject (kind, subject),
    key attention_resolved_at_raised_at (resolved_at, raised_at)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- How far a reader of somebody else's list has come, and who is reading.
create table if not exists cursors (
    name varchar(100) not null,
    value text,
    lease_token binary(16),
    lease_until bigint,
    primary key (name)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
